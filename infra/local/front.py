"""The front of the local stack: the contract's addresses on one port, led to API Gateway on MiniStack's."""

from __future__ import annotations

from aiohttp import ClientError, web

from .proxy import pass_on, proxy_app
from .service import ThreadedApp


class Front:
    """`api_url` is where API Gateway answers for the deployed stage, without a final slash."""

    def __init__(self, port: int, api_url: str, host: str = "127.0.0.1") -> None:
        self.api_url = api_url
        self._server = ThreadedApp(proxy_app(self._pass_on), port, host)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    async def _pass_on(self, request: web.Request) -> web.Response:
        headers = {
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Prefix": "/",
            "X-Forwarded-For": request.remote or "",
        }
        try:
            return await pass_on(request, self.api_url, headers)
        except (ClientError, TimeoutError) as error:
            return web.json_response({"detail": f"The local stack does not answer: {error}."}, status=502)
