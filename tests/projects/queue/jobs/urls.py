from django.urls import path

from jobs import views

urlpatterns = [
    path("", views.who),
    path("send/<slug:task>/<slug:label>", views.send),
    path("rows/<slug:kind>", views.rows),
    path("database", views.database),
    path("thumbnail", views.thumbnail),
    path("keep/<slug:text>", views.keep),
    path("kept", views.kept),
    path("resolve/<str:name>", views.resolve),
    path("fetch", views.fetch),
    path("program", views.program),
    path("compile", views.compile_machine_code),
]
