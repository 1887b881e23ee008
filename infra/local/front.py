"""The front of the local stack: serves the published paths on one port and forwards them to the emulator."""

from __future__ import annotations

from aiohttp import ClientError, web

from .proxy import forward, proxy_app
from .service import ThreadedApp


class Front:
    """`api_url` is the URL of the deployed stage in API Gateway, without a final slash."""

    def __init__(self, port: int, api_url: str, host: str = "127.0.0.1") -> None:
        self.api_url = api_url
        self._server = ThreadedApp(proxy_app(self._forward), port, host)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    async def _forward(self, request: web.Request) -> web.Response:
        headers = {
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Prefix": "/",
            "X-Forwarded-For": request.remote or "",
        }
        try:
            return await forward(request, self.api_url, headers)
        except (ClientError, TimeoutError) as error:
            return web.json_response({"detail": f"The local stack does not respond: {error}."}, status=502)
