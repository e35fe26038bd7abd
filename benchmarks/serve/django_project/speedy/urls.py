import hashlib

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

ROWS = [{"number": number, "name": f"Row {number}", "even": number % 2 == 0} for number in range(100)]
LARGE = bytes(range(256)) * (4 << 10)


def upload(request):
    return HttpResponse(hashlib.sha256(request.body).hexdigest())


urlpatterns = [
    path("", lambda request: render(request, "page.html", {"rows": ROWS})),
    path("large/", lambda request: HttpResponse(LARGE, content_type="application/octet-stream")),
    path("upload/", upload),
]
