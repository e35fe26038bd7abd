from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.messages.views import SuccessMessageMixin
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.views.generic import CreateView

from .forms import EntryForm
from .models import Entry


class Guestbook(SuccessMessageMixin, CreateView):
    form_class = EntryForm
    template_name = "entries/guestbook.html"
    success_url = reverse_lazy("guestbook")
    success_message = "Thank you, %(name)s."

    def get_context_data(self, **kwargs):
        return super().get_context_data(entries=Entry.objects.all()[:50], **kwargs)


@login_required
def protected(request, name):
    """Django decides who may have the file, nginx sends it."""
    if name.startswith("."):
        raise Http404
    response = HttpResponse(headers={"X-Accel-Redirect": settings.PROTECTED_URL + quote(name)})
    # nginx keeps a Content-Type that the app has set; without one it goes by the file's name.
    del response["Content-Type"]
    return response


def favicon(request):
    """For pages that do not name their icon, such as the admin's."""
    return redirect(static("entries/favicon.svg"))
