"""One line for each request: what was asked, by whom and about what, and what came of it; no token and no body."""

from __future__ import annotations

from collections.abc import Callable

from chalice.app import Request, Response

from ..http.calls import ID
from ..logs import add_log_keys, log
from ..runtime import begin_invocation

IDS = {"mailing_id", "client_id", "import_id"}
"""Names in our addresses, and in the log."""


def log_request(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """The route and not the path: what stands in its place is named when it is an id, and nobody's business else."""
    clock = begin_invocation(request.lambda_context).clock
    sent = request.uri_params or {}
    add_log_keys(**{name: int(value) for name, value in sent.items() if name in IDS and ID.fullmatch(value)})
    begun_at = clock.now()
    response = get_response(request)
    milliseconds = round((clock.now() - begun_at).total_seconds() * 1000)
    extra = {"route": request.path, "status": response.status_code, "milliseconds": milliseconds}
    log.info("request", extra={"method": request.method, **extra})
    return response
