"""Celery, for `celery -A guestbook worker` and `beat`. Only these import it, so requirements.txt does not have it."""

import os

from celery import Celery

app = Celery("guestbook", broker=os.environ.get("BROKER_URL"))
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True
# What Django's LOGGING says holds for workers as well.
app.conf.worker_hijack_root_logger = False
app.conf.beat_schedule = {"end old sessions": {"task": "entries.tasks.end_old_sessions", "schedule": 3600}}
app.autodiscover_tasks(["entries"])
