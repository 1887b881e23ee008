"""Composition only: the app, its blueprints, and the shape of an answer to what nobody expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalice.app import Chalice, Response

from chalicelib.api.access_log import log_request
from chalicelib.api.authorizer import authorizer
from chalicelib.api.documentation import documentation
from chalicelib.api.routes import routes
from chalicelib.console.routes import console
from chalicelib.logs import log
from chalicelib.workers import dead_letters, imports, jobs, receipts, reports, schedules, send_queue, tokens, users

app = Chalice(app_name="notifications", configure_logs=False)
app.log = log  # what Chalice says of errors is masked and in JSON like everything else
app.register_middleware(log_request, "http")

for blueprint in (authorizer, routes, documentation, console):
    app.register_blueprint(blueprint)
for module in (dead_letters, imports, receipts, reports, schedules, jobs, send_queue, tokens, users):
    app.register_blueprint(module.worker)


@app.middleware("http")
def no_bare_errors(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Chalice has logged the error; the caller gets the contract's shape, and nothing of our insides."""
    response = get_response(event)
    if response.status_code == 500:
        return Response({"detail": "A server error occurred."}, status_code=500)
    return response
