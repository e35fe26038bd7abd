from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.templatetags.static import static
from django.urls import path

SHOWN = ("REMOTE_ADDR", "REMOTE_HOST", "REMOTE_USER", "SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME", "PATH_INFO")


def who(request):
    """What the request says of the visitor and of the site, and each header that came with it."""
    return JsonResponse(
        {name: request.META.get(name) for name in SHOWN}
        | {
            "scheme": request.scheme,
            "host": request.get_host(),
            "port": request.get_port(),
            "uri": request.build_absolute_uri(),
            "headers": {name: value for name, value in request.META.items() if name.startswith("HTTP_")},
        }
    )


def form(request):
    return HttpResponse(f"{request.method} {get_token(request)}")


urlpatterns = [
    path("", lambda request: HttpResponse("tiny")),
    path("who/", who),
    path("form/", form),
    path("links/", lambda request: HttpResponse(static("tiny.css"))),
    path("boom/", lambda request: HttpResponse(1 / 0)),
]
