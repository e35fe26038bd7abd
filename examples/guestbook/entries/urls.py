from django.urls import path

from . import views

urlpatterns = [
    path("", views.Guestbook.as_view(), name="guestbook"),
    path("protected/<str:name>", views.protected, name="protected"),
    path("favicon.ico", views.favicon),
]
