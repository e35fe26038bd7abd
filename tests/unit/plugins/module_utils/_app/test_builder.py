"""Commands of the building user run in a transient unit with an environment file."""

from __future__ import annotations

import os
import stat
from contextlib import nullcontext

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._app import builder as module
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools

SECRET = 's3cr3t "$HOME" `x` \\'


class Unit:
    """Stands for systemd-run: remembers what it was given, with the file of the environment at that moment."""

    def __init__(self, secrets):
        self.secrets, self.answer, self.calls, self.environment, self.state = secrets, (0, "out", ""), [], None, None

    def __call__(self, argv, **options):
        self.calls.append(argv)
        self.options = options
        if argv[0] == "systemd-run":
            found = os.stat(self.secrets)
            self.environment = self.secrets.read_text()
            self.state = found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)
        if isinstance(self.answer, type):
            raise self.answer("no systemd-run")
        return self.answer


@pytest.fixture
def secrets(tmp_path):
    return tmp_path / "secrets.env"


@pytest.fixture
def unit(secrets):
    return Unit(secrets)


@pytest.fixture
def builder(host, app, unit, secrets):
    made = module.Builder(Tools(unit, {"OTHER": "x"}), app, {"UV_INDEX_URL": SECRET, "A": "1"})
    made._secrets = str(secrets)
    return made


def properties(argv):
    return [word.removeprefix("--property=") for word in argv if word.startswith("--property=")]


def test_a_command_can_write_only_to_its_writable_paths(builder, app, unit, secrets):
    assert builder.run(["tool", "--now"], writable=["/a", "/b"], cwd="/c") == "out"
    (argv,) = unit.calls
    assert argv[:5] == ["systemd-run", "--quiet", "--wait", "--pipe", "--collect"]
    assert "--unit=shop-build.service" in argv
    assert argv[argv.index("--") :] == ["--", "tool", "--now"]
    found = properties(argv)
    assert [one for one in found if one.startswith("ReadWritePaths=")] == ["ReadWritePaths=/a", "ReadWritePaths=/b"]
    wanted = {
        *{"ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "NoNewPrivileges=yes", "CapabilityBoundingSet="},
        *{"RestrictSUIDSGID=yes", "KillMode=control-group", "UMask=0022", "PrivateUsers=yes", "RuntimeMaxSec=3600"},
        *{f"InaccessiblePaths=-{app.data}", f"EnvironmentFile={secrets}", "WorkingDirectory=/c"},
    }
    assert wanted <= set(found)
    assert set(module.SANDBOX) <= set(found)


def test_a_look_makes_no_directory_of_an_app_that_is_not_there(builder, app, unit):
    """systemd creates the mount point of a TemporaryFileSystem= that is missing."""
    builder.run(["git"])
    os.makedirs(app.venvs)
    builder.run(["git"])
    mounted = f"--property=TemporaryFileSystem={app.venvs}:ro,mode=0755"
    assert [mounted in argv for argv in unit.calls] == [False, True]


def test_an_unprivileged_user_runs_commands_before_the_app_has_users(builder, host, app, unit):
    builder.run(["tool"])
    host.add_user(app.builder, 4_242_002, app.cache)
    builder.run(["tool"])
    users = [[one for one in properties(argv) if one.startswith(("User=", "Group="))] for argv in unit.calls]
    assert users == [["User=nobody"], ["User=shop-build", "Group=shop-build"]]


def test_dollars_are_escaped(builder, unit):
    builder.run(["sh", "-c", 'echo "$1" $$ ${HOME}', "%h", "a$b"])
    argv = unit.calls[0]
    assert argv[argv.index("--") + 1 :] == ["sh", "-c", 'echo "$$1" $$$$ $${HOME}', "%h", "a$$b"]


def test_secrets_are_in_a_file_of_root_and_not_in_arguments(builder, app, unit):
    builder.run(["tool"], env={"A": "2", "GIT_CONFIG_VALUE_0": "Authorization: t0k3n"})
    assert unit.environment.splitlines() == [
        'A="2"',
        'GIT_CONFIG_VALUE_0="Authorization: t0k3n"',
        f'HOME="{app.cache}"',
        'PIP_RETRIES="8"',
        'UV_HTTP_RETRIES="6"',
        r'UV_INDEX_URL="s3cr3t \"\$HOME\" \`x\` \\"',
    ]
    assert unit.state == (0, 0, 0o600)
    assert not any("s3cr3t" in word or "t0k3n" in word for word in unit.calls[0])
    assert unit.options["environ_update"] == {"OTHER": "x"}


def test_the_variables_of_an_app_replace_the_number_of_retries(host, app, unit, secrets):
    builder = module.Builder(Tools(unit, {}), app, {"UV_HTTP_RETRIES": "1"})
    builder._secrets = str(secrets)
    builder.run(["uv"])
    assert 'UV_HTTP_RETRIES="1"' in unit.environment.splitlines()


def test_a_call_may_have_another_home(builder, unit):
    builder.run(["git"], env={"HOME": "/nonexistent"})
    assert 'HOME="/nonexistent"' in unit.environment


@pytest.mark.parametrize("answer", [(0, "", ""), (1, "", "no"), OSError, KeyboardInterrupt])
def test_the_file_is_always_removed(builder, unit, secrets, answer):
    unit.answer = answer
    with nullcontext() if isinstance(answer, tuple) else pytest.raises(answer):
        builder.attempt(["tool"])
    assert "s3cr3t" in unit.environment
    assert not secrets.exists()


def test_a_killed_command_is_explained(builder, unit):
    unit.answer = (137, "", "Killed\n")
    code, _out, err = builder.attempt(["tool"])
    assert code == 137
    assert err.startswith("Killed\nSIGKILL ended it. ")
    assert "build_environment" in err


def test_a_command_that_lost_its_systemd_run_is_stopped(builder, unit):
    """It would go on writing into the candidate."""
    unit.answer = (-9, "", "")
    assert "systemd-run, which waited for the command: SIGKILL" in builder.attempt(["tool"])[2]
    assert ["systemctl", "stop", "shop-build.service"] in unit.calls


def test_the_file_is_removed_if_it_cannot_be_written(builder, unit, secrets, monkeypatch):
    def full(descriptor, *_arguments, **_options):
        os.close(descriptor)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "open", full, raising=False)
    with pytest.raises(OSError, match="No space left"):
        builder.attempt(["tool"])
    assert not secrets.exists()
    assert unit.calls == []


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_leftover_of_an_interrupted_run_is_replaced(builder, unit, secrets, tmp_path, kind):
    (tmp_path / "left").write_text("left")
    os.link(tmp_path / "left", secrets) if kind == "file" else secrets.symlink_to(tmp_path / "left")
    builder.run(["tool"])
    assert (tmp_path / "left").read_text() == "left"
    assert unit.state[2] == 0o600
    assert not secrets.exists()


def test_a_failure_names_the_command_and_ends_with_its_output(builder, unit):
    unit.answer = (3, "ignored", "first\nthe \x1b[2Jreason\n")
    with pytest.raises(ReleaseError) as caught:
        builder.run(["sh", "-c", "a", "b", "a-whole-script"])
    assert str(caught.value) == "'sh -c a b' failed (3):\nfirst\nthe \\x1b[2Jreason"
    unit.answer = (1, "on standard output", "")
    with pytest.raises(ReleaseError, match="on standard output"):
        builder.run(["tool"])


def test_stop_ends_the_unit_of_an_interrupted_run(builder, unit, secrets):
    secrets.write_text("left")
    builder.stop()
    assert unit.calls == [["systemctl", "stop", "shop-build.service"]]
    assert not secrets.exists()


def test_a_run_without_the_lock_has_a_unit_and_a_file_of_its_own(builder, app, unit):
    other = module.Builder(Tools(unit, {}), app, {}, "-42")
    assert other.unit == "shop-build-42.service"
    plain = module.Builder(Tools(unit, {}), app, {})
    assert (plain._secrets, other._secrets) == ("/run/gatehouse-shop-build.env", "/run/gatehouse-shop-build-42.env")


def test_a_full_run_is_named(builder, secrets, monkeypatch):
    """'No space left on device' alone sent the operator to the disk of the app."""
    monkeypatch.setattr(module, "open", lambda descriptor, *_mode, **_options: open("/dev/full", "w"), raising=False)
    with pytest.raises(OSError, match=rf"No space left on device: '{secrets}'"):
        builder.run(["tool"])
    assert not secrets.exists()
