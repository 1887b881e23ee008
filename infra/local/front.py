"""The front of the local stack: the contract's addresses on one port, led to API Gateway on MiniStack's."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

from .service import ThreadedApp

HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length"}
SESSION = web.AppKey("session", ClientSession)


class Front:
    """`api_url` is where API Gateway answers for the deployed stage, without a final slash."""

    def __init__(self, port: int, api_url: str) -> None:
        self.api_url = api_url
        app = web.Application(client_max_size=16 * 1024**2)
        app.cleanup_ctx.append(_session)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._server = ThreadedApp(app, port)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    async def _pass_on(self, request: web.Request) -> web.Response:
        headers = _kept(request.headers)
        headers["X-Forwarded-Proto"] = "http"
        headers["X-Forwarded-Prefix"] = "/"
        headers["X-Forwarded-For"] = request.remote or ""
        url = URL(self.api_url + request.raw_path, encoded=True)
        body = await request.read()
        try:
            async with request.app[SESSION].request(
                request.method, url, headers=headers, data=body or None, allow_redirects=False
            ) as answer:
                content = await answer.read()
                return web.Response(status=answer.status, headers=_kept(answer.headers), body=content)
        except ClientError as error:
            return web.json_response({"detail": f"The local stack does not answer: {error}."}, status=502)


async def _session(app: web.Application) -> AsyncIterator[None]:
    """One session, with its pool of connections, for the life of the front."""
    connector = TCPConnector(limit=0)
    async with ClientSession(connector=connector, timeout=ClientTimeout(total=60), auto_decompress=False) as app[
        SESSION
    ]:
        yield


def _kept(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP)
