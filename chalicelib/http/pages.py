"""How pages and their parts go out: from templates that escape, with a strict policy, and nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from chalice.app import Response

from ..rendering import ENGLISH, render

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
    """`templates`: the folder that `template` is in."""
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
    """A stylesheet or a script, of ours or of a package."""
    response = Response(text)
    response.headers |= {
        "Content-Type": f"{content_type}; charset=utf-8",
        "Cache-Control": "max-age=3600",
        "X-Content-Type-Options": "nosniff",
    }
    return response


@cache
def read_static(file: Path) -> str:
    """Paths come from a fixed list, never from a request."""
    return file.read_text(encoding="utf-8")
