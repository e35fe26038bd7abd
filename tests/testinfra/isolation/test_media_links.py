"""nginx sends no file of another user through a link that an app made."""

from contextlib import contextmanager

import pytest
from helpers.direct import driver as driver_of
from helpers.hosts import eventually
from helpers.tls import get, trusting

MEDIA = "/srv/evil/data/media"
SECRET = "for the eyes of the victim's members"
# A site that an operator wrote by hand, for an app that user evil deploys by itself.
BY_HAND = {"name": "byhand", "server_name": ["byhand.example.test"], "tls": "self_signed"}
STATIC = {"path": "/static/", "alias": "/srv/byhand/app/current/static/"}


@pytest.fixture(scope="module")
def as_app(host):
    """As conftest's as_user, for the whole module."""
    return lambda user, command: host.run("setpriv --reuid=%s --regid=%s --init-groups sh -c %s", user, user, command)


@pytest.fixture(scope="module", autouse=True)
def files(host, as_app):
    """Files of the victim's that nginx may read, and honest ones of both apps."""
    for app in ("victim", "evil"):
        host.check_output("install -d -o %s -g www-data -m 2750 %s", app, f"/srv/{app}/data/protected")
    host.check_output(
        "echo %s > /srv/victim/data/protected/p.txt && chmod 644 /srv/victim/data/protected/p.txt && "
        "echo %s > /srv/victim/data/media/inv.txt && chown victim: /srv/victim/data/media/inv.txt",
        SECRET,
        SECRET,
    )
    planted = as_app(
        "evil",
        f"cd {MEDIA} && umask 022 && mkdir -p sub && echo own > sub/own.txt && ln -sfn sub/own.txt own-link && "
        "ln -sfn /srv/victim/data/media vm && ln -sfn /srv/victim/data/protected vp && "
        "ln -sfn /srv/victim/data/protected/p.txt p.txt && ln -sfn /var/log/nginx log && "
        "ln -sfn /var/log/nginx/victim.access.log token.log && ln -sfn /etc etc && ln -sfn /etc/passwd passwd && "
        "ln -sfn /proc/self/root root && ln -sfn vp chain && ln -sfn ../../../victim/data/protected up && "
        "echo mine > ../private.txt && ln -sfn ../private.txt private && ln -sfn /etc ../protected/etc",
    )
    assert planted.rc == 0, planted.stderr
    yield
    host.check_output(f"find {MEDIA} /srv/evil/data/protected -type l -delete")
    host.check_output("rm -f /srv/victim/data/protected/p.txt /srv/victim/data/media/inv.txt")


@pytest.fixture
def driver(host):
    return driver_of(host.backend.name)


@pytest.fixture
def ask(address):
    def ask(path, name="evil.example.test", **headers):
        return get(address, name, path, trusting(), **headers)

    return ask


def test_own_files_are_served(ask):
    assert ask("/media/sub/own.txt").text == "own\n"
    assert ask("/static/tiny.css").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "vm/inv.txt",
        "vp/p.txt",
        "p.txt",
        "log/victim.access.log",
        "token.log",
        "etc/passwd",
        "etc/nginx/nginx.conf",
        "passwd",
        "root/etc/passwd",
        "chain/p.txt",
        "up/p.txt",
    ],
)
def test_a_link_out_of_the_media_directory_is_not_followed(ask, path):
    answer = ask(f"/media/{path}")
    assert answer.status in (403, 404), answer.text


@pytest.mark.parametrize("path", ["own-link", "private"])
def test_an_apps_own_links_are_not_followed_either(ask, path):
    """A visitor's archive can bring them along: to the database, for example."""
    assert ask(f"/media/{path}").status in (403, 404)


def test_a_link_with_the_name_of_a_compressed_file_is_not_followed(ask, as_app, host):
    assert as_app("evil", f"ln -sfn /etc/passwd {MEDIA}/sub/own.txt.gz").rc == 0
    answer = ask("/media/sub/own.txt", accept_encoding="gzip")
    host.check_output(f"rm {MEDIA}/sub/own.txt.gz")
    assert (answer.status, answer.text) == (200, "own\n")


def test_hard_links_to_the_files_of_others_cannot_be_made(as_app):
    """The kernel's fs.protected_hardlinks, which Debian sets; nginx could not tell them from files."""
    for target in ("/etc/passwd", "/srv/victim/data/media/inv.txt", "/srv/victim/data/protected/p.txt"):
        assert as_app("evil", f"ln {target} {MEDIA}/hard").rc != 0


@contextmanager
def replaced(host, as_app, path, target):
    """The app has put a link in the place of one of its directories."""
    done = as_app("evil", f"mv {path} {path}.aside && ln -s {target} {path}")
    assert done.rc == 0, done.stderr
    try:
        yield
    finally:
        host.check_output(f"rm {path} && mv {path}.aside {path}")


def test_a_media_directory_that_became_a_link_is_not_followed(ask, host, as_app, driver, by_hand):
    with replaced(host, as_app, MEDIA, "/srv/victim/data"):
        assert ask("/media/protected/p.txt").status in (403, 404)
        assert ask("/media/media/inv.txt").status in (403, 404)
        answer = driver.publish(site("/media/", f"{MEDIA}/"))
        assert not answer["failed"], answer
        assert f"nginx does not follow the symbolic link '{MEDIA}' to '/srv/victim/data'" in "".join(answer["warnings"])
        assert ask("/media/protected/p.txt", "byhand.example.test").status in (403, 404)
    assert ask("/media/sub/own.txt", "byhand.example.test").status == 200


@pytest.fixture
def by_hand(host, driver):
    """An app that its user deploys by links of its own, behind a site that was written by hand; and afterwards none."""
    host.check_output("install -d /srv/byhand && install -d -o evil -g evil /srv/byhand/app")
    yield
    driver.publish({"name": "byhand", "state": "absent"})
    host.check_output("rm -rf /srv/byhand")


def site(path, alias, **options):
    return BY_HAND | {"locations": [{"path": path, "alias": alias, **options}]}


def test_links_of_another_way_to_deploy_are_followed(as_app, ask, driver, by_hand):
    name = "byhand.example.test"
    made = as_app(
        "evil",
        "cd /srv/byhand/app && umask 022 && mkdir -p releases/1/static shared && echo one > releases/1/static/x.txt && "
        "echo shared > shared/s.txt && ln -s releases/1 current && ln -s ../../../shared releases/1/static/shared",
    )
    assert made.rc == 0, made.stderr
    answer = driver.publish(site(**STATIC))
    assert not answer["failed"], answer
    assert ask("/static/x.txt", name).text == "one\n"
    assert ask("/static/shared/s.txt", name).text == "shared\n"
    # And the attack: what it leads to belongs to another user.
    assert as_app("evil", "ln -s /srv/victim/data/protected /srv/byhand/app/current/static/vp").rc == 0
    assert as_app("evil", "ln -s /etc/passwd /srv/byhand/app/current/static/passwd").rc == 0
    assert ask("/static/vp/p.txt", name).status in (403, 404)
    assert ask("/static/passwd", name).status in (403, 404)
    assert as_app("evil", "cd /srv/byhand/app/ && rm current && mkdir x && ln -s /srv/victim/data x/static").rc == 0
    assert as_app("evil", "ln -s x /srv/byhand/app/current").rc == 0
    assert ask("/static/protected/p.txt", name).status in (403, 404)


def test_a_link_of_the_operator_is_followed_or_refused_with_a_message(host, ask, driver, by_hand):
    name = "byhand.example.test"
    host.check_output(
        "install -d -o victim -g victim /srv/byhand/disk && echo big > /srv/byhand/disk/big.txt && "
        "chmod 644 /srv/byhand/disk/big.txt && ln -s /srv/byhand/disk /srv/byhand/media && "
        "ln -s /srv/byhand/disk /srv/byhand/app/media && chown -h evil: /srv/byhand/app/media"
    )
    # Only root can change it.
    answer = driver.publish(site("/media/", "/srv/byhand/media/"))
    assert not answer["failed"], answer
    assert ask("/media/big.txt", name).text == "big\n"
    # User evil can.
    refused = driver.publish(site("/media/", "/srv/byhand/app/media/"))
    assert refused["failed"]
    assert "nginx would not follow the symbolic link '/srv/byhand/app/media' to '/srv/byhand/disk'" in refused["msg"]
    assert ask("/media/big.txt", name).text == "big\n"
    # The remedies.
    for chosen in (site("/media/", "/srv/byhand/app/media/", symlinks="follow"), site("/media/", "/srv/byhand/disk/")):
        answer = driver.publish(chosen)
        assert not answer["failed"], answer
        assert ask("/media/big.txt", name).text == "big\n"


def test_a_link_in_static_files_is_not_followed(host, ask):
    """A release is root's, and so is a link that a build left in it: to a file of root's, with the same owner."""
    host.check_output("ln -sfn /etc/passwd /srv/evil/current/static/passwd")
    host.check_output("ln -sfn /srv/victim/data /srv/evil/current/static/data")
    try:
        assert ask("/static/passwd").status in (403, 404)
        assert ask("/static/data/protected/p.txt").status in (403, 404)
    finally:
        host.check_output("rm /srv/evil/current/static/passwd /srv/evil/current/static/data")


def test_x_accel_redirect_serves_only_files_of_the_app(host, ask, driver, by_hand):
    handing_out = (
        "import http.server\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200)\n"
        "        self.send_header('X-Accel-Redirect', '/protected-files' + self.path)\n"
        "        self.end_headers()\n"
        "http.server.HTTPServer(('127.0.0.1', 8765), Handler).serve_forever()\n"
    )
    host.check_output("systemd-run --quiet --collect --unit=handing-out python3 -c %s", handing_out)
    protected = {"path": "/protected-files/", "alias": "/srv/evil/data/protected/", "internal": True}
    try:
        eventually(lambda: host.socket("tcp://127.0.0.1:8765").is_listening)
        host.check_output("echo members > /srv/evil/data/protected/m.txt && chmod 644 /srv/evil/data/protected/m.txt")
        locations = [protected, {"path": "/", "proxy_pass": "http://127.0.0.1:8765"}]
        answer = driver.publish(BY_HAND | {"locations": locations})
        assert not answer["failed"], answer
        assert ask("/m.txt", "byhand.example.test").text == "members\n"
        assert ask("/etc/passwd", "byhand.example.test").status in (403, 404)
    finally:
        host.check_output("systemctl stop handing-out")
