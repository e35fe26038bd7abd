from django.urls import path

from ledger import views

urlpatterns = [
    path("", views.entries),
    path("add/<slug:text>", views.add),
]
