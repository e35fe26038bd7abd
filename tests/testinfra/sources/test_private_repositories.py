"""Two private repositories on one server, each with a deploy key of its own; one is a submodule of the other."""

import pytest
from helpers.arguments import recorded_arguments
from helpers.hosts import release_of

SHOP, THEME = (f"ssh://git@localhost/srv/git/{name}.git" for name in ("guestbook", "theme"))


@pytest.fixture
def source(made, keys):
    """The source of the app `fromgit`, as a new commit would change it: another release of the same code."""
    known_hosts = (made / "known_hosts").read_text()
    return {"git": SHOP, "version": "v1.0", "deploy_key": keys["guestbook"], "known_hosts": known_hosts, "lfs": False}


def test_the_submodule_and_the_file_of_git_lfs_are_deployed(host):
    assert host.file("/srv/fromgit/current/src/theme/theme.txt").content_string == "a private theme\n"
    assert host.file("/srv/fromgit/current/src/large.bin").content_string == "a large file"


def test_a_private_repository_among_the_requirements_is_installed(host):
    printed = host.check_output("/srv/fromgit/current/venv/bin/python -c 'import lab_theme; print(lab_theme.__file__)'")
    assert "/site-packages/" in printed
    # git wrote it into a place of its own, which is gone.
    assert host.run("ls -d /srv/fromgit/releases/*/git /srv/fromgit/releases/*/git.config").stdout == ""


def test_the_deploy_keys_are_in_no_file_of_the_host(is_nowhere, keys):
    for key in keys.values():
        assert is_nowhere(key.splitlines()[2])


REFUSED = {
    "a key of another repository": (
        lambda source, keys: {"deploy_key": keys["theme"]},
        [f"cannot read the git repository '{SHOP}'", "this key opens theme only", "is served, as before"],
    ),
    "a key of another repository for a submodule": (
        lambda source, keys: {"credentials": [{"url": THEME, "deploy_key": keys["guestbook"]}]},
        [f"cannot read the git repository '{THEME}'", "this key opens guestbook only"],
    ),
    "a server that shows another host key": (
        lambda source, keys: {"known_hosts": f"localhost {keys['public']}"},
        ["Host key verification failed", "source.known_hosts has no line", "ssh-keyscan"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_unreadable_repository_is_refused_before_anything_changes(host, deploy, source, made, keys, case):
    change, words = REFUSED[case]
    before = release_of(host, "fromgit"), host.check_output("ls /srv/fromgit/releases")
    given = keys | {"public": (made / "key_theme.pub").read_text()}
    with recorded_arguments(host) as arguments:
        played = deploy("fromgit", source=source | change(source, given))
    assert played.code != 0
    assert [word for word in words if word not in played.refusal] == []
    assert (release_of(host, "fromgit"), host.check_output("ls /srv/fromgit/releases")) == before
    assert any("ls-remote" in line for line in arguments)
    for key in keys.values():
        assert not any(key.splitlines()[2] in text for text in (played.output, *arguments))


def test_no_submodule_gets_the_key_of_the_repository(host, deploy, source):
    """The key of the guestbook alone: the submodule, on the same server, is asked for without any key."""
    before = release_of(host, "fromgit")
    played = deploy("fromgit", source=source)
    assert played.code != 0
    assert "Permission denied (publickey" in played.refusal
    assert f"'{THEME}'" in played.refusal
    assert "needs an entry with its URL in source.credentials" in played.refusal
    assert release_of(host, "fromgit") == before


def test_pointers_of_git_lfs_are_refused_unless_the_operator_wants_them(host, deploy, source):
    before = release_of(host, "fromgit")
    played = deploy("fromgit", source={**source, "lfs": None, "submodules": False})
    assert played.code != 0
    assert "Git LFS, like 'large.bin'" in played.refusal
    assert "Set lfs in source to true" in played.refusal
    assert release_of(host, "fromgit") == before
