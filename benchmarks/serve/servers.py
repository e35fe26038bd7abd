"""What is compared: each server with its address on the host, and the units whose CPU time is its own."""

from __future__ import annotations

from dataclasses import dataclass

OURS = "gatehouse.django"
TUNED = "nginx tuned by hand"
DEBIAN = "nginx after a tutorial"
CADDY = "Caddy"
WHITENOISE = "gunicorn with WhiteNoise"
GUNICORN = "gunicorn alone"
RUNSERVER = "runserver"


@dataclass(frozen=True)
class Server:
    """A server on the host: *units* have names of services or slices; *tls* is its port with TLS, if it has one."""

    title: str
    port: int
    units: tuple[str, ...]
    name: str = "plain.example.test"
    tls: int = 0
    static: bool = True


SERVERS = {
    server.title: server
    for server in (
        Server(OURS, 8080, ("nginx.service", "gatehouse-speedy.slice"), tls=443),
        Server(TUNED, 8081, ("bench-tuned.service", "bench-app@tuned.service"), tls=8441),
        Server(DEBIAN, 8082, ("bench-debian.service", "bench-app@debian.service")),
        Server(CADDY, 8083, ("bench-caddy.service", "bench-app@caddy.service"), tls=8443),
        Server(WHITENOISE, 8084, ("bench-app@whitenoise.service",)),
        Server(GUNICORN, 8086, ("bench-app@gunicorn.service",), static=False),
        Server(RUNSERVER, 8085, ("bench-runserver.service",)),
    )
}
