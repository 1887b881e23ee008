"""The answers of the simulator as HTTP responses."""

from __future__ import annotations

from aiohttp import web

from chalicelib.domain.outcome import Kind

from .behaviour import Behaviour
from .providers.case import Case


def case_response(case: Case, behaviour: Behaviour) -> web.Response:
    """A header Retry-After of the table gets the seconds of the behaviour."""
    seconds = behaviour.throttle if case.kind is Kind.THROTTLED else case.header
    return text_response(case.body, case.status, {"Retry-After": str(seconds)} if case.header else None)


def text_response(body: str, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=body, content_type=_content_type(body), headers=headers)


def _content_type(body: str) -> str:
    if body.startswith("{"):
        return "application/json"
    return "text/html" if body.startswith("<") else "text/plain"
