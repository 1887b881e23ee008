"""`/openapi.json`, and `/docs/` with Swagger UI. They need no token: they contain only the description of the API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from chalice.app import Blueprint, Response

from ..errors import NotFound
from ..http.calls import base_url
from ..http.pages import POLICY, page, read_static, static, version_of
from ..runtime import services

documentation = Blueprint(__name__)

HERE = Path(__file__).parent

SCRIPT = "docs.js"
FILES = {"swagger-ui.min.css": "text/css", "swagger-ui-bundle.min.js": "text/javascript", SCRIPT: "text/javascript"}

SWAGGER_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""Swagger UI sets inline styles."""


@documentation.route("/openapi.json")
def openapi() -> Response:
    from .openapi import document  # no other route needs it, and each start of the function would pay for the import

    body = json.dumps(document(_base_url()), ensure_ascii=False)
    return Response(body, headers={"Content-Type": "application/json"})


@documentation.route("/docs")
def docs() -> Response:
    base = f"{_base_url()}/docs"
    files = {name: f"{base}/{name}?v={version_of(_read(name))}" for name in FILES}
    return page(HERE / "templates", "docs.html", policy=SWAGGER_POLICY, files=files, base=_base_url())


@documentation.route("/docs/{name}")
def docs_file(name: str) -> Response:
    if name not in FILES:
        return Response(NotFound().body, status_code=404)
    query: Mapping[str, str] = documentation.current_request.query_params or {}
    return static(_read(name), FILES[name], query.get("v"))


def _base_url() -> str:
    return base_url(services(), documentation.current_request)


def _read(name: str) -> str:
    return read_static(HERE / "static" / name if name == SCRIPT else _swagger_ui() / name)


@cache
def _swagger_ui() -> Path:
    """The files of Swagger UI inside the Powertools package. They are read; the package is not imported."""
    spec = find_spec("aws_lambda_powertools")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("aws-lambda-powertools is not in the deployment")
    return Path(spec.origin).parent / "event_handler/openapi/swagger_ui"
