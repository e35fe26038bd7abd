"""An app gets the Python that it asks for, from a list of downloads: Debian 13 has no Python 3.11."""

import json

import pytest
from helpers.hosts import eventually, release_of
from helpers.play import REPOSITORY, Play

DEPLOY = REPOSITORY / "tests/testinfra/helpers/deploy.yml"
MADE = REPOSITORY / ".artifacts/sources/pythons/pythons.json"
PYTHONS = "/opt/gatehouse/python"
# Each is a directory that uv fills: the interpreters, and the partial installation of a run.
TREES = f"{PYTHONS} {PYTHONS}-new"


def start(host, **changes):
    """The play that deploys the app with *changes*, running."""
    return Play(DEPLOY, host, lab_app="older", lab_changes=changes)


def interpreters(host):
    return set(host.check_output("ls %s", PYTHONS).split())


def state(host):
    """What a refused run must not change."""
    parts = "ls -A /srv/older/releases /srv/older/failed; readlink /srv/older/current; ls -A " + TREES
    return host.run(parts).stdout


@pytest.fixture(scope="module", autouse=True)
def deployed(host):
    """The last test removes the app: without this, a second verification would not find it."""
    if not host.file("/srv/older/current").exists:
        played = start(host).finish()
        assert played.code == 0, played.output


@pytest.fixture
def listed(host, tmp_path):
    """listed(**changes): the path of a list whose entry has these changes."""

    def write(**changes):
        ((key, entry),) = json.loads(MADE.read_text()).items()
        path = tmp_path / f"{'-'.join(changes) or 'same'}.json"
        path.write_text(json.dumps({key: entry | changes}))
        return str(path)

    return write


@pytest.fixture
def served(host):
    """serve(name, text): the URL of a file of the host, which a server of the host serves until the test ends."""
    host.check_output("mkdir -p /opt/served")
    server = "python3 -m http.server --directory /opt/served --bind 127.0.0.1 8099"
    host.check_output(f"systemd-run --unit=lab-served {server}")
    eventually(lambda: host.socket("tcp://127.0.0.1:8099").is_listening)

    def serve(name, text):
        host.check_output("printf %%s %s > %s", text, f"/opt/served/{name}")
        return f"http://127.0.0.1:8099/{name}"

    yield serve
    host.check_output("systemctl stop lab-served")


def test_the_app_runs_with_the_version_that_it_asks_for(host):
    home = host.check_output("/srv/older/current/venv/bin/python -c 'import sys; print(sys.base_prefix)'")
    assert home.startswith(f"{PYTHONS}/3.11.")
    ask = "curl --silent --fail --unix-socket /srv/older/current/web.sock http://older.example.test/whoami"
    assert json.loads(host.check_output(ask))["release"] == release_of(host, "older")
    assert "3.11." in host.check_output("/srv/older/manage shell -c 'import sys; print(sys.version)'")


def test_no_app_can_write_to_an_interpreter(host):
    assert host.check_output(f"find {PYTHONS} ! -user root -o ! -group root -o ! -type l -perm /7022") == ""
    assert host.run(f"test -e {PYTHONS}-new").rc != 0
    assert host.run("systemctl status gatehouse-python.service").rc == 4


def test_its_standard_library_is_compiled_where_it_is(host):
    code = "import json; print(json.decoder.__cached__); print(json.decoder.JSONDecoder.__init__.__code__.co_filename)"
    cached, name = host.check_output(f"/srv/older/current/venv/bin/python -B -c '{code}'").split()
    assert host.file(cached).exists
    assert name.startswith(f"{PYTHONS}/3.11.")


def test_an_interpreter_that_the_project_excludes_is_refused_before_anything_changes(host):
    before = state(host)
    played = start(host, python="python3").finish()
    assert "older: python: the project needs Python ==3.11.* ('pyproject.toml')" in played.refusal
    assert 'Write python: "3.11" into the app\'s entry' in played.refusal
    assert "Nothing was changed." in played.refusal
    assert state(host) == before


def test_an_archive_at_a_url_is_read_at_once(host, served):
    before = state(host)
    served("pyproject.toml", '[project]\nrequires-python = "==3.11.*"\n')
    host.check_output("tar -C /opt/served -czf /opt/served/shop.tar.gz pyproject.toml")
    digest = host.check_output("sha256sum /opt/served/shop.tar.gz").split()[0]
    source = {"archive": "http://127.0.0.1:8099/shop.tar.gz", "checksum": f"sha256:{digest}"}
    played = start(host, python="python3", source=source).finish()
    assert "older: python: the project needs Python ==3.11.* ('pyproject.toml')" in played.refusal
    assert "Nothing was changed." in played.refusal
    assert state(host) == before
    other = start(host, python="python3", source=source | {"checksum": f"sha256:{'0' * 64}"}).finish()
    assert f"has the checksum sha256:{digest}" in other.refusal
    assert "Nothing was changed." in other.refusal
    assert host.run("ls /root/.ansible/tmp/*/source").rc != 0


def test_a_package_index_is_asked_at_once(host, served):
    before = state(host)
    host.check_output("mkdir -p /opt/served/simple/shop")
    page = '<a href="shop-1-py3-none-any.whl" data-requires-python="==3.11.*">shop-1-py3-none-any.whl</a>'
    served("simple/shop/index.html", page)
    index = {"UV_DEFAULT_INDEX": "http://127.0.0.1:8099/simple"}
    played = start(host, python="python3", source={"pypi": "shop==1"}, build_environment=index).finish()
    assert "older: python: the project needs Python ==3.11.* ('shop-1-py3-none-any.whl')" in played.refusal
    assert "Nothing was changed." in played.refusal
    assert state(host) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha256": None}, ["python_downloads", "has no sha256 for 'cpython-3.11", "Nothing was changed."]),
        ({"sha256": "0" * 64}, ["phase 'python'", "Hash mismatch", "Correct the url or the sha256"]),
    ],
)
def test_a_download_that_cannot_be_verified_is_refused(host, listed, change, words):
    before = state(host)
    # Another entry of the same version is another build.
    played = start(host, python_downloads=listed(**change)).finish()
    assert played.code != 0
    for word in words:
        assert word in played.refusal
    assert state(host) == before


def test_a_changed_list_takes_effect(host, served):
    (old,) = interpreters(host)
    release, text = release_of(host, "older"), MADE.read_text()
    ((key, entry),) = json.loads(text).items()
    # The same list at a URL is the same interpreter.
    url = served("pythons.json", text)
    same = start(host, python_downloads=url).finish()
    assert (same.code, "changed=0" in same.output) == (0, True), same.output
    host.check_output("cp /opt/pythons/*.tar.gz /opt/served/newer.tar.gz && printf '\\n' >> /opt/served/newer.tar.gz")
    digest = host.check_output("sha256sum /opt/served/newer.tar.gz").split()[0]
    serve = {key: entry | {"url": "http://127.0.0.1:8099/newer.tar.gz", "sha256": digest}}
    served("pythons.json", json.dumps(serve))
    played = start(host, python_downloads=url).finish()
    assert played.code == 0, played.output
    assert release_of(host, "older") != release
    # The release before still needs the other one.
    assert interpreters(host) == {old, f"{entry['major']}.{entry['minor']}.{entry['patch']}-{digest[:12]}"}


def test_a_killed_installation_is_never_used(host, listed):
    before = interpreters(host)
    # A server that accepts connections and never answers.
    silent = 'import socket, time; s = socket.create_server(("127.0.0.1", 8098)); time.sleep(600)'
    host.check_output("systemd-run --unit=lab-silent python3 -c %s", silent)
    eventually(lambda: host.socket("tcp://127.0.0.1:8098").is_listening)
    try:
        play = start(host, python_downloads=listed(url="http://127.0.0.1:8098/a.tar.gz", sha256="1" * 64))
        eventually(lambda: host.run("systemctl is-active gatehouse-python.service").rc == 0, 120)
        host.check_output(
            'kill -9 $(python3 -c \'import json; print(json.load(open("/run/gatehouse/locks/python"))["pid"])\')'
        )
        assert play.finish().code != 0
        assert interpreters(host) == before
    finally:
        host.check_output("systemctl stop lab-silent")
    played = start(host).finish()
    assert played.code == 0, played.output
    assert host.run(f"test -e {PYTHONS}-new").rc != 0
    assert host.run("systemctl is-active gatehouse-python.service").rc != 0


def test_an_interpreter_is_removed_when_no_release_needs_it(host):
    played = start(host, state="absent").finish()
    assert played.code == 0, played.output
    assert interpreters(host) == set()
