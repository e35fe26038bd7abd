"""What is measured."""

from __future__ import annotations

from dataclasses import dataclass

REQUESTS = SMALL, SCRIPT, DYNAMIC = ("static file, 1 KB", "script, 50 KB, gzip", "dynamic page")
HANDSHAKES = FULL, RESUMED = ("TLS handshake, full", "TLS handshake, resumed")
UPLOAD = "upload, 10 MB"
CASES = (*REQUESTS, *HANDSHAKES, UPLOAD)
SLOW = ("headers", "bodies", "readers")


@dataclass(frozen=True)
class Cost:
    """A request of one kind: microseconds of CPU time, and requests per second."""

    server: str
    case: str
    cpu: float
    rate: float


@dataclass(frozen=True)
class Crowd:
    """A good client beside *count* slow ones, of which *held* still had their connection; milliseconds."""

    server: str
    kind: str
    count: int
    requests: int
    failed: int
    held: int
    p50: float
    p99: float


@dataclass(frozen=True)
class Download:
    """Whether a download was whole, and lasted over a deploy and two reloads."""

    whole: bool
    during: bool
    seconds: float


@dataclass(frozen=True)
class Results:
    """All of a run."""

    machine: dict[str, str]
    costs: list[Cost]
    crowds: list[Crowd]
    download: Download
