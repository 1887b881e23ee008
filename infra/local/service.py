"""A small web server in its own thread: the simulator and the front run inside the program that uses them."""

from __future__ import annotations

import asyncio
import socket
from threading import Thread

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .origins import OwnOrigins


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_taken(port: int) -> bool:
    """Whether binding to the port fails."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


class ThreadedApp:
    """Serves an aiohttp application until it is stopped, to requests that origins.py allows.

    Another `host` than 127.0.0.1 and a further `name` of this server are for containers only.
    """

    def __init__(self, app: web.Application, port: int, host: str = "127.0.0.1", name: str = "") -> None:
        self.host = host
        self.port = port
        app.middlewares.insert(0, _refusing_foreign(OwnOrigins((port,), name)))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when the server listens; raises OSError if the port is in use."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port, backlog=1024).start()

    async def _close(self) -> None:
        """Cancel requests that still run, such as those that the simulator delays."""
        await self._runner.cleanup()
        pending = asyncio.all_tasks() - {asyncio.current_task()}
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


def _refusing_foreign(own: OwnOrigins) -> Middleware:
    @web.middleware
    async def refuse_foreign(request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = own.refusal(request.headers.items())
        return web.json_response({"detail": refusal}, status=403) if refusal else await handler(request)

    return refuse_foreign
