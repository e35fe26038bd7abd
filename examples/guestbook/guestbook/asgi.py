import os

from django.core.asgi import get_asgi_application

from .echo import echo

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "guestbook.settings")

http = get_asgi_application()


async def application(scope, receive, send):
    """Django answers HTTP only: websockets have an application of their own."""
    await (echo if scope["type"] == "websocket" else http)(scope, receive, send)
