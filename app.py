"""Composition only: the app, its blueprints, and the answer to an unexpected error.

`make up` runs the local stack. `chalice local --stage local` also works next to it: see infra/local/environment.py.
`make deploy STAGE=prod` deploys to an AWS account. A setting in .chalice/config.json makes `chalice deploy` and
`chalice package` fail here: without infra/stack.json the stack would have no tables, queues and rights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalice.app import Chalice, Response

from chalicelib.api.access_log import log_request
from chalicelib.api.authorizer import authorizer
from chalicelib.api.client_routes import client_routes
from chalicelib.api.documentation import documentation
from chalicelib.api.mailing_routes import mailing_routes
from chalicelib.api.request_ids import add_request_id
from chalicelib.api.response_headers import add_headers
from chalicelib.api.statistics_routes import statistics_routes
from chalicelib.console.access_routes import console_access
from chalicelib.console.client_routes import console_clients
from chalicelib.console.draft_routes import draft_console
from chalicelib.console.routes import console
from chalicelib.http.file_forms import FILE_FORM
from chalicelib.logs import log
from chalicelib.settings import runs_in_lambda

app = Chalice(app_name="notifications", configure_logs=False)
app.log = log  # so that Chalice's own error lines are JSON and masked too
app.api.binary_types.append(FILE_FORM)  # before the routes, which read it
app.register_middleware(add_headers, "http")
app.register_middleware(add_request_id, "http")
app.register_middleware(log_request, "http")

for blueprint in (authorizer, client_routes, mailing_routes, statistics_routes, documentation):
    app.register_blueprint(blueprint)
for blueprint in (console, console_access, console_clients, draft_console):
    app.register_blueprint(blueprint)

if not runs_in_lambda():  # there each worker has a handler of its own, and the API starts without them
    from chalicelib.workers import (
        audit_copy,
        dead_letters,
        imports,
        jobs,
        receipts,
        reports,
        schedules,
        send_queue,
        tokens,
        users,
    )

    for module in (audit_copy, dead_letters, imports, receipts, reports, schedules, jobs, send_queue, tokens, users):
        app.register_blueprint(module.worker)


@app.middleware("http")
def hide_server_errors(event: Any, get_response: Callable[[Any], Response]) -> Response:
    """Answer an unexpected error in the form of the contract, without its details. Chalice has logged it."""
    response = get_response(event)
    if response.status_code == 500:
        return Response({"detail": "A server error occurred."}, status_code=500)
    return response
