import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "steady.settings")

http = get_asgi_application()


async def application(scope, receive, send):
    """Django answers HTTP; the websocket sends each message back with the release before it."""
    if scope["type"] != "websocket":
        await http(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": f"{os.environ['GATEHOUSE_RELEASE']} {message['text']}"})
