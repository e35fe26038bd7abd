"""The same for every server, except that WhiteNoise serves the static files where no other server does."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
ALLOWED_HOSTS = ["*"]
# Only for runserver, which serves static files with DEBUG alone.
DEBUG = os.environ.get("BENCH_SERVER") == "runserver"
INSTALLED_APPS = ["django.contrib.staticfiles"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
if os.environ.get("BENCH_SERVER") == "whitenoise":
    MIDDLEWARE.insert(1, "whitenoise.middleware.WhiteNoiseMiddleware")
ROOT_URLCONF = "speedy.urls"
WSGI_APPLICATION = "speedy.wsgi.application"
STATIC_URL = "static/"
STATIC_ROOT = os.environ.get("STATIC_ROOT", BASE_DIR / "collected")
STATICFILES_DIRS = [BASE_DIR / "assets"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [BASE_DIR / "templates"]}]
# More than an upload of the benchmark: Django's limit is for what is no file.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 << 20
USE_TZ = True
