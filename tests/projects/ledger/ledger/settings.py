"""What differs between hosts comes from the environment, as the role gives it."""

import os

import dj_database_url
import environ

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "ledger"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "ledger.urls"
WSGI_APPLICATION = "ledger.wsgi.application"
DATABASES = {
    "default": dj_database_url.config(
        default="sqlite:///db.sqlite3", conn_max_age=int(os.environ.get("CONN_MAX_AGE", "60"))
    )
}
LOCAL = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
REDIS_CACHE = "django.core.cache.backends.redis.RedisCache"
CACHES = {"default": environ.Env().cache_url(backend=REDIS_CACHE) if "CACHE_URL" in os.environ else LOCAL}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
