"""Responses with HTML pages and static files. The Content-Security-Policy allows no third-party content."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from chalice.app import Response

from ..rendering import render
from ..wording import ENGLISH

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
    """Half of a UTF-16 pair, which typed JSON may escape, becomes `?`: it cannot be encoded."""
    response = Response(text.encode("utf-8", "replace").decode(), status_code=status_code)
    response.headers |= {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "same-origin",
    }
    return response


def static(text: str, content_type: str, version: str | None = None) -> Response:
    """A stylesheet or a script of this service or of a package. `version`: the one that the caller asked for.

    Under the address of its version a file never changes. API Gateway compresses files for callers that accept it.
    """
    is_final = version == version_of(text)
    response = Response(text)
    response.headers |= {
        "Content-Type": f"{content_type}; charset=utf-8",
        "Cache-Control": "public, max-age=31536000, immutable" if is_final else "max-age=3600",
        "Vary": "Accept-Encoding",
    }
    return response


@cache
def version_of(text: str) -> str:
    """Changes with the content."""
    return sha256(text.encode()).hexdigest()[:16]


@cache
def read_static(file: Path) -> str:
    """Callers pass paths of a fixed list only, never a path from a request."""
    return file.read_text(encoding="utf-8")
