from django.templatetags.static import static
from django.urls import path
from django.views.generic import RedirectView

from . import health, views

urlpatterns = [
    path("", views.who),
    path("page", views.page),
    path("slow", views.slow),
    path("large", views.large),
    path("write", views.write),
    path("written", views.written),
    path("health", health.health),
    # As projects redirect /favicon.ico: the name with its hash is needed when the URLs are imported.
    path("style", RedirectView.as_view(url=static("steady/steady.css"))),
]
