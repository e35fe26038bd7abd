"""Celery, whose worker writes rows."""

import os

from celery import Celery

app = Celery("ledger", broker=os.environ.get("BROKER_URL"))
app.conf.task_ignore_result = True
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_hijack_root_logger = False
app.autodiscover_tasks(["ledger"])
