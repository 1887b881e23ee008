"""The access log: one line per request, with route, ids, status and duration. It never has a token or a body."""

from __future__ import annotations

from collections.abc import Callable

from chalice.app import Request, Response

from ..http.calls import ID
from ..logs import add_log_keys, log
from ..runtime import begin_invocation
from .request_ids import request_id_of

IDS = {"mailing_id", "client_id", "import_id"}
"""Path parameters that are logged, under the same names."""


def log_request(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Logs the route instead of the path, because a path may contain data. Only ids of the path are logged."""
    clock = begin_invocation(request.lambda_context, request_id_of(request)).clock
    parameters = request.uri_params or {}
    add_log_keys(**{name: int(value) for name, value in parameters.items() if name in IDS and ID.fullmatch(value)})
    started_at = clock.now()
    response = get_response(request)
    milliseconds = round((clock.now() - started_at).total_seconds() * 1000)
    extra = {"route": request.path, "status": response.status_code, "milliseconds": milliseconds}
    log.info("request", extra={"method": request.method, **extra})
    return response
