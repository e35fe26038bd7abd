"""When a reload has failed, and what the running nginx has read."""

from __future__ import annotations

import json
import os
import time

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import generation
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import reload as service

HELD = "[emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)"
MASTER = 960


def line(message, pid=MASTER):
    """A line of the error log."""
    level, text = message.split(" ", 1)
    return f"2026/11/26 10:00:00 {level} {pid}#{pid}: {text}\n"


@pytest.fixture
def nginx(monkeypatch, tmp_path):
    """An nginx whose workers and error log a test sets; each reload is counted."""

    class Nginx:
        workers = ({1}, {1})
        log = tmp_path / "error.log"
        reloads = 0

        def run(self, command, **_stdin):
            assert command == ["systemctl", "reload", "nginx.service"]
            self.reloads += 1
            self.log.write_text(self.log.read_text() + self.says)
            return 0, "", ""

        says = ""

    nginx = Nginx()
    nginx.log.write_text(line("[emerg] of yesterday"))
    monkeypatch.setattr(service, "worker_pids", lambda master: nginx.workers[nginx.reloads])
    monkeypatch.setattr(service, "started_since_boot", lambda pid: float("inf"))
    monkeypatch.setattr(service, "GENERATION_RECORD", tmp_path / "record")
    monkeypatch.setattr(service, "RELOAD_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(service, "WORKER_GRACE_SECONDS", 0.1)
    monkeypatch.setattr(service, "EMERGENCY_GRACE_SECONDS", 0.05)
    return nginx


def reload(nginx):
    service.reload(nginx.run, MASTER, str(nginx.log))


def test_new_workers_prove_the_reload(nginx):
    """Smoke test: nothing is raised."""
    nginx.workers = ({1}, {1, 2})
    nginx.says = line(HELD)
    reload(nginx)


def test_a_worker_of_before_the_request_proves_nothing(nginx, monkeypatch):
    """nginx was started a moment ago, and this worker has named itself only now."""
    before = time.clock_gettime(time.CLOCK_BOOTTIME) - 0.1
    monkeypatch.setattr(service, "started_since_boot", lambda pid: before)
    nginx.workers = ({1}, {1, 2})
    nginx.says = line(HELD) + line("[emerg] still could not bind()")
    with pytest.raises(service.NotApplied, match="still could not bind"):
        reload(nginx)


def test_reload_waits_for_old_workers(nginx, monkeypatch):
    """They go on answering as before until nginx tells them to end, 0.1 s after it has started the new ones."""
    seen = iter([{1}, {1, 2}, {1, 2}, {2}])
    monkeypatch.setattr(service, "worker_pids", lambda master: next(seen))
    reload(nginx)
    assert list(seen) == []


def test_an_emergency_ends_the_wait(nginx):
    nginx.says = line(HELD) + line("[emerg] still could not bind()")
    with pytest.raises(service.NotApplied, match="still could not bind") as failed:
        reload(nginx)
    assert failed.value.messages == [HELD, "[emerg] still could not bind()"]
    assert not service.GENERATION_RECORD.exists()


def test_a_worker_cannot_end_the_wait(nginx):
    """A client can have it log any line, with the master's number if it guesses that: new workers are the proof."""
    nginx.says = line('[error] open() "/srv/shop/static/x', pid=961) + "[emerg] forged\n" + line("[emerg] a", pid=961)
    with pytest.raises(service.NotApplied, match="no new worker process") as failed:
        reload(nginx)
    assert failed.value.messages == []


def test_an_emergency_is_forged_if_new_workers_start(nginx, monkeypatch):
    nginx.says = line("[emerg] forged")
    seen = iter([{1}, {1}, {1}, {1, 2}, {2}])
    monkeypatch.setattr(service, "worker_pids", lambda master: next(seen))
    reload(nginx)
    assert list(seen) == []


def test_a_port_that_is_in_use_is_retried(nginx):
    nginx.says = line(HELD)
    with pytest.raises(service.NotApplied, match="no new worker process") as failed:
        reload(nginx)
    assert failed.value.messages == []


def test_a_record_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(service, "GENERATION_RECORD", tmp_path / "missing" / "record")
    with pytest.raises(OSError, match=f"No such file or directory: '{service.GENERATION_RECORD}'"):
        service.record(7)


def test_a_masked_unit_is_named_with_its_remedy(nginx, monkeypatch):
    said = "Failed to reload nginx.service: Unit nginx.service is masked.\n"
    monkeypatch.setattr(nginx, "run", lambda _command: (1, "", said))
    with pytest.raises(service.NotApplied, match=r"masked\. Remove the mask: 'systemctl unmask nginx\.service'\.$"):
        reload(nginx)


def test_a_job_that_failed_is_explained_by_the_journal(nginx, monkeypatch):
    said = 'Job for nginx.service failed.\nSee "systemctl status nginx.service" and "journalctl -xeu nginx.service".\n'
    lines = [
        (time.monotonic() - 60, "nginx.service: Failed with an older reason"),
        (time.monotonic() + 60, "Reloading nginx.service..."),
        (time.monotonic() + 60, "nginx.service: Failed to set up mount namespacing: No space left on device"),
    ]
    entries = [json.dumps({"MESSAGE": text, "__MONOTONIC_TIMESTAMP": str(int(at * 1e6))}) for at, text in lines]
    answers = {"systemctl": (1, "", said), "journalctl": (0, "\n".join(entries), "")}
    monkeypatch.setattr(nginx, "run", lambda command: answers[command[0]])
    with pytest.raises(
        service.NotApplied, match=r"failed: nginx\.service: Failed to set up .* No space left on device\.$"
    ):
        reload(nginx)


def test_a_full_file_system_of_the_error_log_is_named(nginx, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda _path: type("Full", (), {"f_bavail": 0}))
    with pytest.raises(service.NotApplied, match=f"The file system of {nginx.log.parent} is full"):
        reload(nginx)


def test_the_applied_generation_is_the_recorded_one_or_the_one_at_start(monkeypatch, tmp_path):
    monkeypatch.setattr(service, "GENERATION_RECORD", tmp_path / "record")
    monkeypatch.setattr(service, "started", lambda master: time.time() - 60)
    conf_dir = str(tmp_path)
    assert service.applied_generation(conf_dir, 1) == 0
    generation.build(conf_dir, 3, {"state.json": '{"owns_nginx_conf": false, "sites": {}}'})
    generation.link(conf_dir).symlink_to("generations/3")
    assert service.applied_generation(conf_dir, 1) == 0
    service.GENERATION_RECORD.write_text("2\n")
    assert service.applied_generation(conf_dir, 1) == 2
    monkeypatch.setattr(service, "started", lambda master: os.lstat(generation.link(conf_dir)).st_ctime + 1)
    assert service.applied_generation(conf_dir, 1) == 3


def test_certificates_that_nginx_has_read(monkeypatch, tmp_path):
    pem = tmp_path / "shop.pem"
    pem.write_text("new")
    monkeypatch.setattr(service, "CERTIFICATES_RECORD", tmp_path / "record")
    monkeypatch.setattr(service, "started", lambda master: time.time() - 60)
    service.record_certificates("")
    assert not service.CERTIFICATES_RECORD.exists()
    assert service.has_read_certificates(1, [], "")
    assert not service.has_read_certificates(1, [pem], "digest of new")
    service.record_certificates("digest of new")
    assert service.has_read_certificates(1, [pem], "digest of new")
    assert not service.has_read_certificates(1, [pem], "digest of newer")
    monkeypatch.setattr(service, "started", lambda master: time.time() + 1)
    monkeypatch.setattr(service, "started_since_boot", lambda master: float("inf"))
    assert service.has_read_certificates(1, [pem], "digest of newer")


DAY = 86400.0


@pytest.fixture
def clock(monkeypatch, tmp_path):
    """clock(age, jump): a master that is so old, in seconds, on a host whose clock was set by so much since then."""
    monkeypatch.setattr(service, "GENERATION_RECORD", tmp_path / "record")
    monkeypatch.setattr(service, "CERTIFICATES_RECORD", tmp_path / "certificates")

    def clock(age, jump=0.0):
        monkeypatch.setattr(service, "started_since_boot", lambda master: time.clock_gettime(time.CLOCK_BOOTTIME) - age)
        monkeypatch.setattr(service, "started", lambda master: time.time() + jump - age)

    return clock


@pytest.mark.parametrize("jump", [0.0, DAY, -DAY])
def test_the_next_run_reloads_after_a_kill_whatever_the_clock_says(clock, tmp_path, jump):
    clock(age=60)
    generation.build(str(tmp_path), 5, {"state.json": '{"owns_nginx_conf": false, "sites": {}}'})
    service.record(5)
    pem = tmp_path / "shop.pem"
    service.record_certificates("old")
    generation.build(str(tmp_path), 6, {"state.json": '{"owns_nginx_conf": false, "sites": {}}'})
    generation.link(str(tmp_path)).symlink_to("generations/6")
    pem.write_text("new")
    clock(age=60, jump=jump)
    assert service.applied_generation(str(tmp_path), 1) == 5
    assert not service.has_read_certificates(1, [pem], "new")


def test_an_nginx_that_started_after_the_switch_has_read_the_generation(clock, tmp_path):
    service.record(5)
    service.record_certificates("old")
    generation.build(str(tmp_path), 6, {"state.json": '{"owns_nginx_conf": false, "sites": {}}'})
    generation.link(str(tmp_path)).symlink_to("generations/6")
    pem = tmp_path / "shop.pem"
    pem.write_text("new")
    clock(age=-1)
    assert service.applied_generation(str(tmp_path), 1) == 6
    assert service.has_read_certificates(1, [pem], "new")
    # After the clock was set back nginx is reloaded once more, which is recorded.
    clock(age=-1, jump=-DAY)
    assert service.applied_generation(str(tmp_path), 1) == 5


def test_a_record_that_is_broken_or_of_an_older_version(clock, tmp_path):
    clock(age=60)
    for text, number in (("7\n", 7), ("", 0), ("7\nnever\n", 0), ("\xff", 0)):
        service.GENERATION_RECORD.write_text(text)
        assert service.applied_generation(str(tmp_path), 1) == number


def test_the_journal_is_read_from_where_it_ended_and_not_from_a_time(tmp_path):
    asked = []
    entry = json.dumps({"__CURSOR": "s=1;i=3", "MESSAGE": "x nginx: [emerg] no"})

    def run(command):
        asked.append(command)
        return 0, "-- cursor: s=1;i=2\n" if "--show-cursor" in command else entry, ""

    said = service._error_log_reader(run, 0, str(tmp_path / "none"))
    assert said() == ["[emerg] no"]
    assert "--cursor=s=1;i=2" in asked[-1]
    assert not any(word.startswith("--since") for command in asked for word in command)
