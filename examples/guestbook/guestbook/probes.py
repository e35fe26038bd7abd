"""What one asks a deployment rather than a guestbook: is it well, who answered, what did the proxy tell it?"""

import os
import platform
import time

from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, connection
from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache

LONGEST_SLEEP = 90
LARGEST = 64  # megabytes
MOST_COOKIES = 64
# What a proxy says about a request, and what is between the proxy and its client.
TOLD = ("HTTP_X_", "HTTP_FORWARDED", "HTTP_PROXY", "HTTP_UPGRADE", "HTTP_CONNECTION")


@never_cache
def healthz(request):
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("database unavailable", content_type="text/plain", status=503)
    return HttpResponse("ok", content_type="text/plain")


@never_cache
def whoami(request):
    told = {name: value for name, value in request.META.items() if name.startswith(TOLD)}
    return JsonResponse(
        {
            "release": os.environ.get("GATEHOUSE_RELEASE"),
            "node": platform.node(),
            "pid": os.getpid(),
            "interface": "asgi" if isinstance(request, ASGIRequest) else "wsgi",
            "database": connection.vendor,
            "scheme": request.scheme,
            "is_secure": request.is_secure(),
            "host": request.get_host(),
            "absolute": request.build_absolute_uri("/"),
            "remote_addr": request.META["REMOTE_ADDR"],
            "meta": told,
        }
    )


@never_cache
def sleep(request):
    """Be slow on purpose, so that timeouts and graceful shutdowns can be watched."""
    try:
        seconds = float(request.GET.get("seconds", 1))
    except ValueError:
        seconds = -1
    # Written so that nan, which compares as false, is refused too.
    if not 0 <= seconds <= LONGEST_SLEEP:
        return HttpResponseBadRequest(f"seconds must be a number from 0 to {LONGEST_SLEEP}", content_type="text/plain")
    time.sleep(seconds)
    return HttpResponse(f"slept {seconds:g} s", content_type="text/plain")


@never_cache
def large(request):
    """A response that fits into no buffer between here and a visitor who is slow to read it."""
    megabytes = request.GET.get("megabytes", "")
    if not (megabytes.isascii() and megabytes.isdigit() and int(megabytes) <= LARGEST):
        return HttpResponseBadRequest(f"megabytes must be a number from 0 to {LARGEST}", content_type="text/plain")
    return HttpResponse(bytes(int(megabytes) * 1024 * 1024), content_type="application/octet-stream")


@never_cache
def sizes(request, name=""):
    """How much of a request arrives; the answer sets as many cookies of 1,000 bytes as asked for."""
    cookies = request.GET.get("cookies", "0")
    if not (cookies.isascii() and cookies.isdigit() and int(cookies) <= MOST_COOKIES):
        return HttpResponseBadRequest(f"cookies must be a number from 0 to {MOST_COOKIES}", content_type="text/plain")
    arrived = {header: len(value) for header, value in request.META.items() if header.startswith("HTTP_")}
    answer = JsonResponse(
        {
            "name": name,
            "query": len(request.META["QUERY_STRING"]),
            "cookie": arrived.get("HTTP_COOKIE", 0),
            "header": arrived.get("HTTP_X_LONG", 0),
            "headers": len([header for header in arrived if header.startswith("HTTP_X_NUMBER_")]),
        }
    )
    for number in range(int(cookies)):
        answer.set_cookie(f"size{number:02}", "x" * (1000 - len(f"size{number:02}=; ")))
    return answer


def redirect_absolute(request):
    """Right only if Django knows the scheme and the host that the browser used."""
    return HttpResponseRedirect(request.build_absolute_uri(reverse("guestbook")))
