from django.http import HttpResponse

from .models import Note


def health(request):
    """Healthy is who can read the database."""
    Note.objects.exists()
    return HttpResponse("healthy")
