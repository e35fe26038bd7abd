"""Celery, with a beat that leaves a trace each second."""

import os
import time

from celery import Celery
from celery.signals import before_task_publish

app = Celery("jobs", broker=os.environ.get("BROKER_URL"))
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_hijack_root_logger = False
# Who sends is known when the schedule is made, which is in the beat's own process.
app.conf.beat_schedule = {
    "each second": {
        "task": "jobs.tasks.beat",
        "schedule": 1.0,
        "args": [os.environ.get("GATEHOUSE_RELEASE"), os.getpid()],
    }
}
app.autodiscover_tasks(["jobs"])


@before_task_publish.connect(sender="jobs.tasks.beat")
def note_when(body=None, **_signal):
    body[1]["sent"] = time.time()
