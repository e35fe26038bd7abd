from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from . import probes

urlpatterns = [
    path("", include("entries.urls")),
    path("admin/", admin.site.urls),
    path("healthz", probes.healthz),
    path("whoami", probes.whoami),
    path("sleep", probes.sleep),
    path("large", probes.large),
    path("sizes/", probes.sizes),
    path("sizes/<path:name>", probes.sizes),
    path("redirect", probes.redirect_absolute),
    path("old", RedirectView.as_view(pattern_name="guestbook")),
    # Empty unless DEBUG: in production nginx serves the uploads.
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
