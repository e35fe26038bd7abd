"""What the sandbox denies, and what works inside it."""

import base64
import json
import re
import zlib

import pytest
from helpers.hosts import unit

KINDS = ["web", "worker", "note"]
# Names of example.test come from there; it refuses others, which sends the resolver to the next server.
NAME_SERVER = "127.0.0.53"
WRITE_AND_RUN = "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)"


@pytest.fixture(scope="module")
def outside(host):
    """The world outside has a name, which the container runtime forgot with the reboot."""
    # It is mounted there, and so must be written in place.
    added = "servers=$(cat /etc/resolv.conf); printf '%%s\\n' %s \"$servers\" > /etc/resolv.conf"
    host.check_output(added, f"nameserver {NAME_SERVER}")


def png(width, height):
    """A grey picture."""

    def chunk(kind, data):
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 0, 0, 0, 0])
    lines = (b"\0" + b"\x80" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", KINDS)
def test_systemd_rates_the_sandbox_as_safe(host, kind):
    name = unit(host, "queue", "service") if kind == "web" else f"queue-{kind}.service"
    said = host.check_output("systemd-analyze security --no-pager %s", name)
    score = float(re.search(r"Overall exposure level for .*: ([\d.]+)", said)[1])
    assert score <= 1.5, said


def test_postgresql_answers(ask):
    assert ask("/database").startswith("PostgreSQL")


def test_an_uploaded_picture_is_scaled(host):
    picture = base64.b64encode(png(640, 480)).decode()
    socket = "--unix-socket /srv/queue/current/web.sock"
    url = "http://queue.example.test/thumbnail"
    said = host.check_output(f"echo {picture} | base64 -d | curl --silent --fail --data-binary @- {socket} {url}")
    assert json.loads(said) == {"format": "WEBP", "size": [64, 48]}
    assert host.file("/srv/queue/data/media/upload.webp").user == "queue"


def test_sqlite_in_the_data_directory(ask):
    ask("/keep/word")
    assert "word" in json.loads(ask("/kept"))["notes"]


def test_names_are_resolved(outside, ask):
    assert ask("/resolve/outside.example.test") == NAME_SERVER


def test_outbound_https(outside, ask):
    assert ask("/fetch") == "the world outside"


def test_a_program_is_run(ask):
    assert "srv" in ask("/program").split()


def test_writable_memory_is_executable_only_where_the_option_allows_it(ask):
    assert ask("/compile") == "denied"
    assert ask("/compile", "queue-two") == "allowed"


def test_management_commands_have_the_same_sandbox(host):
    assert host.run("/srv/queue/manage shell -c %s", WRITE_AND_RUN).rc != 0
    assert host.run("/srv/queue-two/manage shell -c %s", WRITE_AND_RUN).rc == 0


def test_the_other_directives_of_the_sandbox_stay(host):
    for name in (unit(host, "queue-two", "service"), "queue-two-idle.service"):
        shown = host.check_output("systemctl show %s", name).splitlines()
        assert {"MemoryDenyWriteExecute=no", "NoNewPrivileges=yes", "ProtectSystem=strict"} <= set(shown)
