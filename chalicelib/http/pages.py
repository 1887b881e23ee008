"""Responses with HTML pages and static files. The Content-Security-Policy allows no third-party content."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from chalice.app import Response

from ..rendering import render
from ..texts import ENGLISH

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'self'; frame-ancestors 'none'"
)


def page(
    templates: Path,
    template: str,
    status_code: int = 200,
    policy: str = POLICY,
    language: str = ENGLISH,
    **values: object,
) -> Response:
    """Renders `template` of the folder `templates`."""
    return html(render(templates, template, language, **values), policy, status_code)


def html(text: str, policy: str = POLICY, status_code: int = 200) -> Response:
    response = Response(text, status_code=status_code)
    response.headers |= {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return response


def static(text: str, content_type: str) -> Response:
    """A stylesheet or a script of this service or of a package."""
    response = Response(text)
    response.headers |= {
        "Content-Type": f"{content_type}; charset=utf-8",
        "Cache-Control": "max-age=3600",
        "X-Content-Type-Options": "nosniff",
    }
    return response


@cache
def read_static(file: Path) -> str:
    """Callers pass paths of a fixed list only, never a path from a request."""
    return file.read_text(encoding="utf-8")
