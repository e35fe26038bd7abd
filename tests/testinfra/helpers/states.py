"""States of a host that others have caused, each as a context that restores the host."""

import base64
import shlex
from contextlib import contextmanager

from .hosts import eventually

ANOTHER = "/etc/nginx/conf.d/another.conf"
LOCK = "/run/gatehouse/locks/nginx"
# systemd refuses a unit that is started too often in a short time.
START = "systemctl reset-failed nginx; systemctl restart nginx"


def write(driver, path, content):
    """Write text, or bytes that need not be any."""
    encoded = base64.b64encode(content.encode() if isinstance(content, str) else content).decode()
    driver.shell(f"base64 --decode <<< {encoded} > {path}")


@contextmanager
def file_of_another_owner(driver, content, path=ANOTHER):
    """A file of nginx's configuration that Gatehouse knows nothing of. nginx does not read it until it is reloaded."""
    write(driver, path, content)
    try:
        yield path
    finally:
        driver.shell(f"rm {path}")


@contextmanager
def transient_service(driver, name, *command):
    driver.shell(f"systemd-run --quiet --collect --unit={name} {shlex.join(command)}")
    try:
        yield
    finally:
        driver.shell(f"systemctl stop {name}")


@contextmanager
def port_held(driver, port):
    """A process that is not nginx and listens on *port*."""
    code = f"import socket, time; s = socket.create_server(('0.0.0.0', {port})); time.sleep(600)"
    with transient_service(driver, "port-holder", "python3", "-c", code):
        eventually(lambda: driver.shell(f"ss -Hltn sport = :{port}"))
        yield


@contextmanager
def lock_held(driver):
    """Another process that holds the lock; its id."""
    driver.shell("mkdir -p -m 700 /run/gatehouse/locks")  # after a reboot there is none
    with transient_service(driver, "lock-holder", "--property=UMask=0077", "flock", LOCK, "sleep", "600"):
        eventually(lambda: driver.ask("shell", f"flock --nonblock {LOCK} true")["rc"])
        yield driver.shell("systemctl show --property=MainPID --value lock-holder")


@contextmanager
def nginx_stopped(driver):
    driver.shell("systemctl stop nginx")
    try:
        yield
    finally:
        driver.shell(START)


@contextmanager
def configuration(driver, nginx_conf, **files):
    """A host whose nginx has this nginx.conf, and these files in conf.d, and that has never seen Gatehouse."""
    driver.shell(
        "systemctl stop nginx; rm -rf /root/nginx /root/record; cp -a /etc/nginx /root/nginx\n"
        "mv /run/gatehouse-nginx-generation /root/record\n"
        "rm -rf /etc/nginx/gatehouse; find /etc/nginx -name zz-gatehouse.conf -delete"
    )
    try:
        write(driver, "/etc/nginx/nginx.conf", nginx_conf)
        for name, content in files.items():
            write(driver, f"/etc/nginx/conf.d/{name}.conf", content)
        driver.shell(START)
        yield
    finally:
        driver.shell(
            "systemctl stop nginx; rm -rf /etc/nginx; cp -a /root/nginx /etc/nginx\n"
            f"mv /root/record /run/gatehouse-nginx-generation; {START}"
        )
