import os
import time
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render

from .models import Note

# What importing a real project takes. Django imports views with the first request of a process, not at its start.
time.sleep(1.5)

RELEASE = os.environ["GATEHOUSE_RELEASE"]
FILE = Path(settings.MEDIA_ROOT) / "written"


def answer(**content):
    return JsonResponse({"release": RELEASE, **content})


def who(request):
    return answer()


def page(request):
    """A page that names a static file by its hash."""
    return render(request, "steady/page.html", {"release": RELEASE})


def slow(request):
    time.sleep(float(request.GET.get("seconds", "2")))
    return answer()


def large(request):
    return HttpResponse(bytes(1 << 20), content_type="application/octet-stream")


def write(request):
    """Answered when the note is in the database and in the file, not before."""
    name = request.POST["name"]
    Note.objects.create(name=name)
    with FILE.open("a") as file:
        file.write(f"{name}\n")
    return answer(name=name)


def written(request):
    names = FILE.read_text().split() if FILE.exists() else []
    return answer(database=list(Note.objects.values_list("name", flat=True)), file=names)
