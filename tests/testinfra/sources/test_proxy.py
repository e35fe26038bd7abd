"""A host that reaches nothing but an HTTP proxy with a password deploys through it; the password is seen nowhere."""

from urllib.parse import urlsplit

import pytest
from helpers.arguments import recorded_arguments
from helpers.git_server import GitServer
from helpers.proxy import Proxy, served

PASSWORD = "a-passw0rd-of-the-proxy"
TOKENS = {name: f"bot:a-t0ken-of-the-{name.removesuffix('.git')}" for name in ("guestbook.git", "theme.git")}
REQUIREMENT = "lab-theme @ git+http://git.example.test/theme.git@main"
SECRETS = [PASSWORD, *(token.partition(":")[2] for token in TOKENS.values())]


@pytest.fixture
def proxy(made):
    """The proxy of the lab; behind it there is a server git.example.test, which no DNS knows."""
    with (
        served(GitServer(made / "git", TOKENS)) as git,
        served(Proxy("bot", PASSWORD, {"git.example.test": git.server_address})) as proxy,
    ):
        yield proxy


@pytest.fixture
def gateway(host, deploy):
    """The address of the controller, after which all other addresses are out of the host's reach."""
    route = host.check_output("ip route show default").strip()
    host.check_output("ip route delete default")
    yield route.split()[2]
    host.check_output(f"ip route add {route}")
    host.check_output("apt-get purge --yes hello && rm /var/cache/apt/archives/hello_*")
    assert deploy("fromgit", name="proxied", state="absent").code == 0
    host.check_output("rm -r /srv/proxied")


def url(name):
    return f"http://{TOKENS[name]}@git.example.test/{name}"


@pytest.fixture
def mirror(host):
    """The address of the Debian packages of the lab."""
    return host.check_output("apt-get indextargets --format '$(SITE)' | head -n 1").rstrip("/")


@pytest.fixture
def played(host, deploy, proxy, gateway, mirror):
    """A deployment through the proxy, and the arguments of all processes of the host meanwhile."""
    assert host.run("curl --silent --max-time 3 %s", mirror).rc != 0
    source = {"git": url("guestbook.git"), "version": "v1.0", "credentials": [{"url": url("theme.git")}], "lfs": False}
    given = {"url": f"http://bot:{PASSWORD}@{gateway}:{proxy.server_port}", "no_proxy": ["internal.example.test"]}
    with recorded_arguments(host) as arguments:
        played = deploy(
            "fromgit", name="proxied", source=source, packages=["hello"], proxy=given, requirements=[REQUIREMENT]
        )
    assert played.code == 0, played.output
    return played, arguments


def test_apt_git_and_uv_use_the_proxy_and_its_password_is_seen_nowhere(host, played, proxy, mirror, is_nowhere):
    asked = "\n".join(proxy.requests)
    address = urlsplit(mirror)
    for beginning in (
        f"GET {mirror}/pool/main/h/hello/" if address.scheme == "http" else f"CONNECT {address.hostname}:",
        "GET http://git.example.test/guestbook.git/info/refs",
        "POST http://git.example.test/theme.git/git-upload-pack",
        "CONNECT ",
    ):
        assert f"\n{beginning}" in f"\n{asked}"
    assert host.file("/srv/proxied/current/src/theme/theme.txt").content_string == "a private theme\n"
    output, arguments = played[0].output, "".join(played[1])
    assert "git ls-remote" in arguments and "apt-get" in arguments
    for secret in SECRETS:
        assert secret not in output and secret not in arguments
        assert is_nowhere(secret)
    # The app's own requests are another matter, which its environment decides.
    assert "proxy" not in host.file("/srv/proxied/current/env").content_string
