import os
import time

from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse, JsonResponse

from ledger.models import Entry
from ledger.tasks import write


def entries(request):
    """The rows, the kind of database that keeps them, and the release that read them."""
    return JsonResponse(
        {
            "entries": list(Entry.objects.order_by("id").values_list("text", flat=True)),
            "database": connection.vendor,
            "release": os.environ["GATEHOUSE_RELEASE"],
        }
    )


def add(request, text):
    Entry.objects.create(text=text)
    return HttpResponse(text)


def remember(request, text):
    cache.set("text", text)
    return HttpResponse(text)


def remembered(request):
    return JsonResponse({"text": cache.get("text"), "process": os.getpid()})


def send(request, text):
    """Leave the row to the worker."""
    write.delay(text)
    return HttpResponse(text)


def twice(request):
    """Ask the database two times, and wait between."""
    before = Entry.objects.count()
    time.sleep(2)
    return JsonResponse({"entries": [before, Entry.objects.count()]})
