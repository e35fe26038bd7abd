"""How restic is called, and what becomes of its answers."""

import json

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._backup import repository
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place

PASSWORD = "correct horse battery"


class Restic:
    """Answers each command of restic by its first word; a password opens the repository if it is the right one."""

    def __init__(self, place, right=PASSWORD, exists=True, codes=(1, 1)):
        self.place, self.right, self.exists, self.codes, self.calls = place, right, exists, codes, []

    def __call__(self, argv, cwd=None, environ_update=None):
        words = argv[argv.index("restic") + 1 :]
        self.calls.append((words, environ_update))
        with open(environ_update["RESTIC_PASSWORD_FILE"], encoding="utf-8") as file:
            given = file.read().strip()
        if words[:1] == ["init"]:
            return 0, "created", ""
        if not self.exists:
            return (
                self.codes[0],
                "",
                "Fatal: unable to open config file\nIs there a repository at the following location?",
            )
        if given != self.right:
            return self.codes[1], "", "Fatal: wrong password or no key found"
        return 0, "", ""


def place_of(tmp_path, password=PASSWORD, to="", old=None, **more):
    place = Place(App("shop"), str(tmp_path))
    place.home.mkdir()
    place.config.write_text(json.dumps({"to": to, "keep": {}, "on_failure": ""} | more))
    place.password.write_text(f"{password}\n")
    if old:
        former(place).write_text(f"{old}\n")
    return place


def former(place):
    return place.home / "former"


@pytest.mark.parametrize("codes", [(1, 1), (10, 12)])
def test_a_repository_that_is_missing_is_made(tmp_path, codes):
    place = place_of(tmp_path)
    restic = Restic(place, exists=False, codes=codes)
    assert repository.Repository(place, restic).ensure() is True
    assert [words[0] for words, _environment in restic.calls] == ["cat", "init"]


def test_a_repository_that_exists_is_opened_and_not_made(tmp_path):
    place = place_of(tmp_path)
    restic = Restic(place)
    assert repository.Repository(place, restic).ensure() is False
    assert [words[0] for words, _environment in restic.calls] == ["cat"]


def test_another_password_is_added_to_the_repository(tmp_path):
    place = place_of(tmp_path, "another password", old=PASSWORD)
    restic = Restic(place)
    assert repository.Repository(place, restic).ensure(former(place)) is False
    words, environment = restic.calls[-1]
    assert words == ["key", "add", f"--new-password-file={place.password}"]
    assert environment["RESTIC_PASSWORD_FILE"] == str(former(place))


def test_a_password_that_cannot_be_added(tmp_path):
    place = place_of(tmp_path, "another password", old=PASSWORD)
    restic = Restic(place)

    def run(argv, cwd=None, environ_update=None):
        return (1, "", "no space left") if "add" in argv else restic(argv, cwd, environ_update)

    with pytest.raises(BackupError, match=r"restic key failed on .*: no space left"):
        repository.Repository(place, run).ensure(former(place))


@pytest.mark.parametrize(("code", "found"), [(0, "b2"), (1, "")])
def test_the_key_of_a_password(tmp_path, code, found):
    keys = json.dumps([{"current": False, "id": "a1"}, {"current": True, "id": "b2"}])
    opened = repository.Repository(place_of(tmp_path), lambda *_words, **_options: (code, keys, ""))
    assert opened.key_of(opened.place.password) == found


@pytest.mark.parametrize("codes", [(1, 1), (10, 12)])
def test_a_wrong_password_makes_no_second_repository(tmp_path, codes):
    place = place_of(tmp_path, "another password")
    restic = Restic(place, codes=codes)
    with pytest.raises(BackupError, match="the password does not open the backups"):
        repository.Repository(place, restic).ensure()
    assert [words[0] for words, _environment in restic.calls] == ["cat"]


def test_no_secret_is_in_arguments_or_messages(tmp_path):
    place = place_of(tmp_path, to="rest:https://shop:a-token-of-the-server@backup.example.com/shop")
    place.environment.write_text(json.dumps({"AWS_SECRET_ACCESS_KEY": "a-key-of-the-store"}))
    seen = []

    def run(argv, cwd=None, environ_update=None):
        seen.append((argv, environ_update))
        return 1, "", "server response unexpected: a-key-of-the-store, https://shop:a-token-of-the-server@backup"

    with pytest.raises(BackupError) as raised:
        repository.Repository(place, run).call("snapshots")
    ((argv, environment),) = seen
    for secret in (PASSWORD, "a-token-of-the-server", "a-key-of-the-store"):
        assert secret not in " ".join(argv)
        assert secret not in str(raised.value)
    assert environment["AWS_SECRET_ACCESS_KEY"] == "a-key-of-the-store"


def test_a_locked_repository_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(repository, "POLL_SECONDS", 0)
    answers = [(1, "", "unable to create lock in backend: repository is already locked"), (11, "", ""), (0, "done", "")]
    place = place_of(tmp_path)
    found = repository.Repository(place, lambda *_words, **_options: answers.pop(0)).attempt("forget")
    assert found == (0, "done", "")


def test_sftp_uses_the_key_of_the_option(tmp_path):
    place = place_of(tmp_path, to="sftp://backup@nas.example.com:2222//srv/shop", old=PASSWORD)
    place.ssh_key.write_text("key")
    place.known_hosts.write_text("hosts")
    restic = Restic(place)
    repository.Repository(place, restic).attempt("snapshots")
    option, command = restic.calls[0][0][:2]
    assert option == "-o"
    assert command.startswith("sftp.command=ssh ")
    assert f" -i {place.ssh_key} " in command
    assert command.endswith("-p 2222 backup@nas.example.com -s sftp")
    assert "BatchMode=yes" in command
    assert f"UserKnownHostsFile={place.known_hosts}" in command


@pytest.mark.parametrize("to", ["sftp:backup@nas:/srv/shop", "sftp:nas:shop"])
def test_the_login_of_sftp(to):
    assert repository.SFTP.fullmatch(to)["login"] == to.split(":")[1]
    assert repository.SFTP.fullmatch(to)["port"] is None


@pytest.mark.parametrize(
    ("helps", "sparse"), [("--include", []), ("--include\n--sparse   restore files", ["--sparse"])]
)
def test_holes_stay_holes_if_restic_can_do_that(tmp_path, helps, sparse):
    place, calls = place_of(tmp_path, old=PASSWORD), []

    def restic(argv, **_options):
        calls.append(argv[argv.index("restic") + 1 :])
        return 0, helps, ""

    repository.Repository(place, restic).restore("a", "--target", "/b")
    assert calls[-1] == ["restore", *sparse, "a", "--target", "/b"]


ENDED = (
    "unable to start the sftp session, error: error receiving version packet from server: read |0: file already closed"
)


@pytest.mark.parametrize(
    ("ssh", "words"),
    [
        (
            "Host key for nas has changed and you have requested strict checking.\nHost key verification failed.",
            ["server nas", "'known_hosts' ('nas ssh-ed25519 AAAA')", "another one", "`ssh-keyscan -p 2222 nas`"],
        ),
        (
            "No ED25519 host key is known for nas and you have requested it.\nHost key verification failed.",
            ["is not in the option 'known_hosts'", "set 'known_hosts' to what `ssh-keyscan"],
        ),
        ("keeper@nas: Permission denied (publickey).", ["'ssh_key'", "login keeper@nas", "authorized_keys"]),
        (
            "connect to host nas port 2222: No route to host",
            ["nas cannot be reached (No route to host)", "'to' ('sftp:"],
        ),
        ("Could not resolve hostname nas: Name or service not known", ["nas cannot be reached", "'to' ('sftp:"]),
    ],
)
def test_what_ssh_says_names_the_option(tmp_path, ssh, words):
    place = place_of(tmp_path, to="sftp://keeper@nas:2222//srv/shop")
    place.ssh_key.write_text("key")
    place.known_hosts.write_text("nas ssh-ed25519 AAAA\n")
    commands = []

    def run(argv, cwd=None, environ_update=None):
        commands.append(argv)
        # restic has ended before it passed on what ssh said.
        return 1, "", ENDED if "restic" in argv else ssh

    with pytest.raises(BackupError) as raised:
        repository.Repository(place, run).ensure()
    assert commands[-1][0] == "ssh"
    assert ". To correct it: " in str(raised.value)
    for word in words:
        assert word in str(raised.value)
    assert "version packet" not in str(raised.value)


def test_a_directory_that_the_user_may_not_write(tmp_path):
    place = place_of(tmp_path, to="sftp:keeper@nas:/srv/shop")

    def run(argv, cwd=None, environ_update=None):
        return (10, "", "") if "cat" in argv else (1, "", "Fatal: MkdirAll /srv/shop/locks: permission denied")

    with pytest.raises(BackupError) as raised:
        repository.Repository(place, run).ensure()
    assert "the user keeper of the server has no right to the directory (MkdirAll /srv/shop/locks: " in str(
        raised.value
    )
    assert "name a directory in 'to' ('sftp:keeper@nas:/srv/shop')" in str(raised.value)


def test_a_wrong_password_where_there_must_be_backups(tmp_path):
    place = place_of(tmp_path, "another password")
    with pytest.raises(BackupError) as raised:
        repository.Repository(place, Restic(place)).ensure(make=False)
    assert "the copy that you kept elsewhere" in str(raised.value)
    assert "a new place" not in str(raised.value)


def test_the_json_of_restic_is_text():
    line = json.dumps({"message_type": "exit_error", "code": 1, "message": "Fatal: a reason\nof two lines"})
    assert repository.last_words(line) == "Fatal: a reason of two lines"
