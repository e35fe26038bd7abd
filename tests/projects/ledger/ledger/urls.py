from django.urls import path

from ledger import views

urlpatterns = [
    path("", views.entries),
    path("add/<slug:text>", views.add),
    path("remember/<slug:text>", views.remember),
    path("remembered", views.remembered),
    path("send/<slug:text>", views.send),
    path("twice", views.twice),
]
