"""Each view does one thing that a sandbox might forbid."""

import mmap
import os
import socket
import sqlite3
import ssl
import subprocess
import urllib.request
from pathlib import Path

from django.db import connection
from django.http import HttpResponse, JsonResponse
from PIL import Image

from jobs import VERSION, tasks
from jobs.models import Row
from jobs.record import fingerprint

DATA = Path(os.environ["GATEHOUSE_DATA_DIR"])


def who(request):
    return JsonResponse({"version": VERSION, "release": os.environ["GATEHOUSE_RELEASE"], "token": fingerprint()})


def send(request, task, label):
    getattr(tasks, task).delay(label)
    return HttpResponse(label)


def rows(request, kind):
    return JsonResponse({"rows": list(Row.objects.filter(kind=kind).order_by("begun").values())})


def database(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT version()")
        return HttpResponse(cursor.fetchone()[0])


def thumbnail(request):
    """Keeps the image of the request's body, and answers with how large its scaled copy is."""
    media = DATA / "media"
    (media / "upload").write_bytes(request.body)
    with Image.open(media / "upload") as image:
        image.thumbnail((64, 64))
        image.save(media / "upload.webp")
    with Image.open(media / "upload.webp") as image:
        return JsonResponse({"format": image.format, "size": image.size})


def notebook():
    return sqlite3.connect(DATA / "notebook.sqlite3")


def keep(request, text):
    with notebook() as book:
        book.execute("PRAGMA journal_mode=WAL")
        book.execute("CREATE TABLE IF NOT EXISTS notes (text)")
        book.execute("INSERT INTO notes VALUES (?)", [text])
    return HttpResponse(text)


def kept(request):
    with notebook() as book:
        return JsonResponse({"notes": [text for (text,) in book.execute("SELECT text FROM notes")]})


def resolve(request, name):
    found = socket.getaddrinfo(name, 443, family=socket.AF_INET, type=socket.SOCK_STREAM)
    return HttpResponse(found[0][4][0])


def fetch(request):
    context = ssl.create_default_context()
    with urllib.request.urlopen(os.environ["OUTSIDE_URL"], timeout=10, context=context) as answer:
        return HttpResponse(answer.read())


def program(request):
    return HttpResponse(subprocess.run(["sh", "-c", "ls / | sort"], capture_output=True, check=True).stdout)


def compile_machine_code(request):
    """Asks for what a just-in-time compiler needs: memory that it can write to and then run."""
    try:
        mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except PermissionError:
        return HttpResponse("denied")
    return HttpResponse("allowed")
