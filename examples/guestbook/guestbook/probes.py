"""What one asks a deployment rather than a guestbook: is it well, who answered, what did the proxy tell it?"""

import os
import time

from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, connection
from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache

LONGEST_SLEEP = 90


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
    forwarded = {
        name: value for name, value in request.META.items() if name.startswith("HTTP_X_") or name == "HTTP_FORWARDED"
    }
    return JsonResponse(
        {
            "release": os.environ.get("GATEHOUSE_RELEASE"),
            "pid": os.getpid(),
            "interface": "asgi" if isinstance(request, ASGIRequest) else "wsgi",
            "scheme": request.scheme,
            "is_secure": request.is_secure(),
            "host": request.get_host(),
            "absolute": request.build_absolute_uri("/"),
            # Through a unix socket REMOTE_ADDR is empty: only the proxy knows who asked.
            "remote_addr": request.headers.get("X-Forwarded-For"),
            "meta": forwarded,
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


def redirect_absolute(request):
    """Right only if Django knows the scheme and the host that the browser used."""
    return HttpResponseRedirect(request.build_absolute_uri(reverse("guestbook")))
