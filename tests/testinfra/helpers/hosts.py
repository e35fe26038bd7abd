"""What a test asks of the host itself."""

import inspect
import textwrap
import time
from contextlib import contextmanager


def scenario(names):
    """That of hosts such as gatehouse-default-trixie, or of the first of several."""
    return names.partition("gatehouse-")[2].split("-")[0]


def release_of(host, app):
    """The id of the release that is live."""
    return host.check_output("basename $(readlink /srv/%s/current)", app)


def unit(host, app, kind):
    return f"{app}-web@{release_of(host, app)}.{kind}"


@contextmanager
def stopped(host, app):
    """The app as an operator stops it: the process and the socket that would start it again."""
    service, socket = unit(host, app, "service"), unit(host, app, "socket")
    host.check_output("systemctl stop %s %s", socket, service)
    try:
        yield
    finally:
        host.check_output("systemctl start %s %s", socket, service)


@contextmanager
def service_stopped(host, service, port):
    """A service of the host's own, stopped; afterwards started again, and listening on its port."""
    host.check_output("systemctl stop %s", service)
    try:
        yield
    finally:
        host.check_output("systemctl start %s", service)
        eventually(lambda: host.socket(f"tcp://127.0.0.1:{port}").is_listening)


def eventually(look, seconds=60, until=bool):
    """What look() finds as soon as until(found) is true. It fails with what it waited for and what it found last.

    For what the host does by itself a moment later, such as writing a buffered log.
    """
    deadline = time.monotonic() + seconds
    while True:
        begun = time.monotonic()
        if until(found := look()):
            return found
        # A look can take longer than the wait: one begins after it.
        if begun > deadline:
            waited = " until ".join(source(each) for each in (look, until) if each is not bool)
            raise AssertionError(f"waited {seconds} s for: {waited}\nfound last: {found!r}")
        time.sleep(0.2)


def source(function):
    """The code of a function, which is one line for a lambda."""
    return textwrap.dedent(inspect.getsource(function)).strip()


def make_superuser(host, app, password):
    """A superuser named `visitor`, made through the app's own management command."""
    code = (
        "from django.contrib.auth import get_user_model; "
        "user, _ = get_user_model().objects.get_or_create(username='visitor'); "
        "user.is_staff = user.is_superuser = True; "
        f"user.set_password('{password}'); user.save()"
    )
    host.check_output("/srv/%s/manage shell -c %s", app, code)
