async def echo(scope, receive, send):
    """Send every websocket message back, at /ws/echo and nowhere else.

    Plain ASGI, because an echo needs no more than the server already speaks.
    """
    await receive()
    if scope["path"] != "/ws/echo":
        # Closing before accepting is how ASGI refuses a handshake: the client sees 403.
        await send({"type": "websocket.close"})
        return

    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})
