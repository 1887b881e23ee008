"""Headers of every answer of the API and the console. infra/stack.json gives them to API Gateway's own answers."""

from __future__ import annotations

from collections.abc import Callable

from chalice.app import Request, Response

from ..runtime import services

SAFE_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""An answer may have its own: static files are stored."""

HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
"""For a year. Not for subdomains: a domain of the operator may have others."""


def add_headers(request: Request, get_response: Callable[[Request], Response]) -> Response:
    response = get_response(request)
    https_only = {} if services().settings.is_local else HTTPS_ONLY
    response.headers = {**SAFE_HEADERS, **https_only, **response.headers}
    return response
