from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpResponse, JsonResponse
from django.urls import path


def stamped(request):
    return HttpResponse((Path(settings.STATIC_ROOT) / "stamp.txt").read_text())


def data(request):
    uploads = settings.BASE_DIR / "uploads"
    (uploads / "new.txt").write_text("written by the app\n")
    lines = (uploads / "first.txt").read_text().splitlines() if (uploads / "first.txt").exists() else []
    users = get_user_model().objects.all()
    accounts = [(user.username, user.is_superuser, user.check_password("swordfish")) for user in users]
    names = sorted(file.name for file in uploads.iterdir())
    return JsonResponse({"first": lines, "accounts": accounts, "uploads": names})


urlpatterns = [path("", stamped), path("data/", data)]
