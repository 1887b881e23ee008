"""Forward requests to another server on this machine, over one pool of connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from io import BytesIO

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length"}
SECONDS = 100
SESSION = web.AppKey("session", ClientSession)


def proxy_app(handler: web.RequestHandler) -> web.Application:
    """An application whose `handler` gets every request and may forward it."""
    app = web.Application(client_max_size=16 * 1024**2)
    app.cleanup_ctx.append(_session)
    app.router.add_route("*", r"/{path:[\s\S]*}", handler)  # `.` has no line break
    return app


async def forward(request: web.Request, base_url: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Send the request to the same path under `base_url`; `headers` replace those of the request."""
    session = request.app[SESSION]
    url = URL(base_url + request.raw_path, encoded=True)
    forwarded = _end_to_end(request.headers)
    forwarded.update(headers or {})
    body = await request.read()
    async with session.request(
        request.method,
        url,
        headers=forwarded,
        data=BytesIO(body) if body else None,
        allow_redirects=False,
        skip_auto_headers=["Content-Type", "User-Agent"],
    ) as response:
        return web.Response(status=response.status, headers=_end_to_end(response.headers), body=await response.read())


async def _session(app: web.Application) -> AsyncIterator[None]:
    """One session for the lifetime of the application."""
    connector, timeout = TCPConnector(limit=0), ClientTimeout(total=SECONDS)
    async with ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
        app[SESSION] = session
        yield


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP)
