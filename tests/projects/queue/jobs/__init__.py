from jobs.celery import app as celery_app

__all__ = ["celery_app"]

# What a test changes to have another release.
VERSION = "1"
