"""`/openapi.json`, and `/docs/` with Swagger UI. They need no token: they contain only the description of the API."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from chalice.app import Blueprint, Response

from ..errors import NotFound
from ..http.calls import base_url
from ..http.pages import POLICY, page, read_static, static
from ..runtime import services
from .openapi import document

documentation = Blueprint(__name__)

HERE = Path(__file__).parent

ASSETS = {"swagger-ui.min.css": "text/css", "swagger-ui-bundle.min.js": "text/javascript"}
"""Files of Swagger UI inside the Powertools package. The files are read; the package is not imported."""

SWAGGER_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""Swagger UI sets inline styles."""


@documentation.route("/openapi.json")
def openapi() -> Response:
    body = json.dumps(document(_base_url()), ensure_ascii=False)
    return Response(body, headers={"Content-Type": "application/json"})


@documentation.route("/docs")
def docs() -> Response:
    return page(HERE / "templates", "docs.html", policy=SWAGGER_POLICY, base=_base_url())


@documentation.route("/docs/{name}")
def docs_asset(name: str) -> Response:
    if name == "docs.js":
        return static(read_static(HERE / "static" / name), "text/javascript")
    if name not in ASSETS:
        return Response(NotFound().body, status_code=404)
    return static(_read(name), ASSETS[name])


def _base_url() -> str:
    return base_url(services(), documentation.current_request)


@cache
def _read(name: str) -> str:
    spec = find_spec("aws_lambda_powertools")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("aws-lambda-powertools is not in the deployment")
    return (Path(spec.origin).parent / "event_handler/openapi/swagger_ui" / name).read_text(encoding="utf-8")
