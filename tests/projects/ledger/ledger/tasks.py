from celery import shared_task

from ledger.models import Entry


@shared_task
def write(text):
    Entry.objects.create(text=text)
