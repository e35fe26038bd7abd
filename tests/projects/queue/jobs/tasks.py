import os
import time

from celery import shared_task

from jobs.record import recorded, write


@shared_task
def short(label):
    with recorded("short", label):
        time.sleep(0.2)


@shared_task
def outlast(label):
    """Ends some seconds after another release than its own is served: its worker is being stopped by then."""
    current = f"/srv/{os.environ['GATEHOUSE_APP']}/current"
    deadline = time.monotonic() + 900
    with recorded("outlast", label):
        while os.readlink(current).endswith(os.environ["GATEHOUSE_RELEASE"]) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(6)


@shared_task
def beat(release, pid, sent=0.0):
    """The row of the beat that sent it, not of the worker that writes it."""
    write("beat", "", release=release, pid=pid, begun=sent)
