from django.urls import path

from . import health, views

urlpatterns = [
    path("", views.who),
    path("page", views.page),
    path("slow", views.slow),
    path("write", views.write),
    path("written", views.written),
    path("health", health.health),
]
