"""A Django project in one file, of which the tests make the sites that operators make by hand."""

import json
import os
import sys
import time

from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.template import Context, Engine
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

settings.configure(
    **{
        "ALLOWED_HOSTS": [".example.test"],
        "ROOT_URLCONF": __name__,
        "SECRET_KEY": "for the tests only",
        "MIDDLEWARE": ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
        "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
    }
    | json.loads(os.environ.get("HAND_SETTINGS", "{}"))
)
LOGIN = """<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="{{ csrf_token }}">
<input name="username"><input type="password" name="password"></form>"""


def first(request):
    link = f'<link rel="stylesheet" href="/static/{request.GET.get("css", "a.css")}">'
    return HttpResponse(f"<html><head>{link}</head><body>{request.META.get('SCRIPT_NAME')}</body></html>")


@csrf_protect
def login(request):
    from django.middleware.csrf import get_token

    get_token(request)
    if request.POST.get("username"):
        # Only a test that finds the doctor in the wrong would come here.
        open("/tmp/hand-login", "w").close()
    return HttpResponse(Engine().from_string(LOGIN).render(Context({"csrf_token": get_token(request)})))


def cookies(request):
    answer = HttpResponse("many cookies")
    for number in range(5):
        answer.set_cookie(f"part{number}", "x" * 3500)
    return answer


def many(request):
    answer = HttpResponseRedirect(reverse("first"))
    for number in range(int(request.GET.get("number", "9"))):
        answer.set_cookie(f"part{number}", "x" * 3900)
    return answer


def die(request):
    os._exit(1)


def boom(request):
    return HttpResponse(1 / 0)


def sleep(request):
    time.sleep(float(request.GET.get("seconds", "3")))
    return HttpResponse("slept")


def drip(request):
    """Ends after ten minutes."""
    return StreamingHttpResponse(time.sleep(0.5) or "<p>" for _number in range(1200))


def forbidden(request):
    raise PermissionDenied("not you")


def suspicious(request):
    raise SuspiciousOperation("what is this")


def status(request, code):
    answer = HttpResponse(f"The answer is {code}", status=code)
    if code == 401:
        answer["WWW-Authenticate"] = 'Bearer realm="api"'
    return answer


@require_POST
def post_only(request):
    return JsonResponse({})


def needs_login(request):
    return HttpResponseRedirect(reverse("login"))


def absolute(request):
    return HttpResponseRedirect(request.build_absolute_uri(reverse("first")))


urlpatterns = [
    path("", first, name="first"),
    path("accounts/login/", login, name="login"),
    path("cookies/", cookies),
    path("many/", many),
    path("die/", die),
    path("boom/", boom),
    path("sleep/", sleep),
    path("drip/", drip),
    path("forbidden/", forbidden),
    path("suspicious/", suspicious),
    path("status/<int:code>/", status),
    path("post-only/", post_only),
    path("private/", needs_login),
    path("absolute/", absolute),
]
application = get_wsgi_application()
if sys.argv[1:] == ["check"]:
    print("ok")
