"""The id of a request: on every answer, in its log lines, and in the answers that API Gateway gives itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from chalice.app import Request, Response

HEADER = "X-Request-Id"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

PUBLISHED_BODIES = {400, 401, 403, 404, 405, 415}
"""Errors whose whole body the published contract fixes. Those of every other error get the id as well."""


def request_id_of(request: Request) -> str:
    """The id that API Gateway gave the request, otherwise that of the Lambda invocation.

    A caller may set the former by `x-amzn-RequestId`. Ids are logged unmasked, so only a UUID is taken.
    """
    given: str = request.context.get("requestId", "")
    context: Any = request.lambda_context
    return given if UUID.fullmatch(given) else str(context.aws_request_id)


def add_request_id(request: Request, get_response: Callable[[Request], Response]) -> Response:
    response, request_id = get_response(request), request_id_of(request)
    response.headers = {**response.headers, HEADER: request_id}
    has_room = response.status_code >= 400 and response.status_code not in PUBLISHED_BODIES
    if has_room and isinstance(response.body, dict):
        response.body = {**response.body, "request_id": request_id}
    return response
