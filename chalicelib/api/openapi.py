"""The API described for programs and people: OpenAPI 3.1, made from the field rules that check the requests."""

from __future__ import annotations

from dataclasses import dataclass

from .. import __version__
from ..domain.allowed_steps import (
    ALLOWED_IN,
    CANCEL,
    CHANGE,
    DELETE,
    ENDS_WITH_THE_MAILING,
    FIXED_AFTER_START,
    PAUSE,
    RESEND,
    RESUME,
)
from ..domain.mailing import STATUSES as MAILING_STATUSES
from ..domain.message import STATUSES as MESSAGE_STATUSES
from ..http.bodies import BYTES, CSV, FORM, JSON
from ..http.exports import PART
from ..http.filters import CLIENT_FILTERS
from ..http.paging import DEFAULT_LIMIT, MAX_LIMIT
from ..rules import Schema
from .metrics import TEXT
from .schemas import CURSOR, DETAIL, INTEGER, STRING, page_of, ref, schemas

CSV_PART: Schema = {
    "description": "UTF-8, separated by ; the first part begins with a BOM and the names of the columns",
    "headers": {"Link": {"description": 'The next part: `<address>; rel="next"`; absent at the end', "schema": STRING}},
    "content": {CSV: {"schema": STRING}},
}

ERRORS = {
    400: "Bad input: every bad field, or `detail` of the request as a whole",
    401: "No token or secret, or one that is not known",
    403: "The token's role does not allow it",
    404: "There is none such",
    409: "Not in this status, or somebody else is changing the same thing: the reason",
    413: "A body over 256 KB; a file over 5 MB",
    415: "Neither JSON nor a form; not a file where one is expected",
    422: "The Idempotency-Key was used for another request",
}
ALWAYS = (400, 401, 403)
GATEWAY = "gateway"


PAGED = (CSV, "Totals", "MailingStats", "ImportWithRows")
"""What comes in pages, or in parts, without being a list."""


@dataclass(frozen=True)
class Operation:
    """`takes` and `gives` name a schema, or are CSV or TEXT; a page of them when `is_list`.

    `query`: parameters by name. `caller`: how it shows who it is, one of the security schemes.
    `step`: what it does with a mailing, where the mailing's status has to allow it.
    """

    path: str
    method: str
    summary: str
    gives: str | None = None
    takes: str | None = None
    status: int = 200
    is_list: bool = False
    query: tuple[str, ...] = ()
    caller: str = "token"
    step: str | None = None

    @property
    def errors(self) -> list[int]:
        if self.caller == GATEWAY:
            return [400, 401, 404, 413, 415]
        return [
            *ALWAYS,
            *([404] if "{" in self.path else []),
            *([] if self.method == "get" else [409, 413, 415]),
            *([422] if self.method == "post" else []),
        ]


OPERATIONS = [
    Operation("/Clients/", "get", "List clients", "Client", is_list=True, query=CLIENT_FILTERS),
    Operation("/Clients/", "post", "Register a client", "Client", "NewClient", 201),
    Operation("/Clients/import/", "get", "List imports, the newest first", "Import", is_list=True),
    Operation("/Clients/import/", "post", "Import clients from a file", "Import", CSV, 202, query=("file_name",)),
    Operation("/Clients/import/{id}/", "get", "How far an import is, and its refused rows", "ImportWithRows"),
    Operation("/Clients/import/{id}/refused/", "get", "An import's refused rows, with the reasons", CSV),
    Operation("/Clients/export/", "get", "Clients as CSV, part by part", CSV, query=(*CLIENT_FILTERS, "attributes")),
    Operation("/Clients/{id}/", "get", "Read a client", "Client"),
    Operation("/Clients/{id}/", "put", "Replace a client", "Client", "NewClient"),
    Operation("/Clients/{id}/", "patch", "Change a client", "Client", "ClientChange"),
    Operation("/Clients/{id}/", "delete", "Forget a client", status=204),
    Operation("/Clients/{id}/opt_out/", "post", "Put a client on the stop list: it is sent nothing", "Client"),
    Operation("/Clients/{id}/opt_in/", "post", "Take a client off the stop list", "Client"),
    Operation("/Mailing/", "get", "List mailings, the newest first", "Mailing", is_list=True),
    Operation("/Mailing/", "post", "Announce a mailing", "Mailing", "NewMailing", 201),
    Operation("/Mailing/preview/", "post", "Whom a mailing would reach, and when", "Preview", "NewMailing"),
    Operation("/Mailing/{id}/", "get", "Read a mailing", "Mailing"),
    Operation("/Mailing/{id}/", "put", "Replace a mailing", "Mailing", "NewMailing", step=CHANGE),
    Operation("/Mailing/{id}/", "patch", "Change a mailing", "Mailing", "MailingChange", step=CHANGE),
    Operation("/Mailing/{id}/", "delete", "Withdraw a mailing, and its statistics", status=204, step=DELETE),
    Operation("/Mailing/{id}/pause/", "post", "Pause a running mailing", "Mailing", step=PAUSE),
    Operation("/Mailing/{id}/resume/", "post", "Resume a paused mailing", "Mailing", step=RESUME),
    Operation("/Mailing/{id}/cancel/", "post", "Cancel a mailing for good", "Mailing", step=CANCEL),
    Operation("/Mailing/{id}/resend/", "post", "Send again to those not reached", "Mailing", "Resend", step=RESEND),
    Operation("/Stats/", "get", "Totals, and every mailing with its counts", "Totals"),
    Operation("/metrics/", "get", "How things stand, for Prometheus", TEXT),
    Operation("/Receipts/", "post", "Report what was delivered", "Taken", "Receipts", caller=GATEWAY),
    Operation("/Audit/", "get", "Who did what, the newest first", "Record", is_list=True),
    Operation("/Stats/{id}/", "get", "A mailing with its messages", "MailingStats", query=("status",)),
    Operation("/Stats/{id}/export/", "get", "A mailing's messages as CSV, part by part", CSV, query=("status",)),
]


def document(server: str) -> Schema:
    """The whole description; `server` is the address that the paths stand under."""
    paths: dict[str, dict[str, object]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Notifications",
            "version": __version__,
            "description": "Text-message campaigns from your own AWS account.",
        },
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`Token <40 hex characters>`",
                },
                GATEWAY: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The secret of receipts. Where none are expected, the address is not there (404).",
                },
            },
        },
    }


def _operation(operation: Operation) -> Schema:
    described: Schema = {
        "operationId": _operation_id(operation),
        "tags": [operation.path.split("/")[1]],
        "summary": operation.summary,
        **_about_step(operation.step),
        "parameters": _parameters(operation),
        "responses": {str(operation.status): _answer(operation)}
        | {str(code): _refusal(code) for code in operation.errors},
    }
    if operation.caller != "token":
        described["security"] = [{operation.caller: []}]
    if operation.takes:
        is_file = operation.takes == CSV
        content = {"schema": STRING if is_file else ref(operation.takes)}
        types = (CSV, BYTES) if is_file else (JSON, FORM) if operation.caller == "token" else (JSON,)
        is_required = operation.method != "patch"
        described["requestBody"] = {"required": is_required, "content": dict.fromkeys(types, content)}
    return described


def _about_step(step: str | None) -> Schema:
    """When the mailing allows it, and what cannot be changed any more."""
    if step is None:
        return {}
    statuses = ALLOWED_IN[step]
    about = f"Allowed while the mailing is {', '.join(statuses)}; otherwise 409."
    if statuses == MAILING_STATUSES:
        about = "Allowed in every status of the mailing."
    if step in ENDS_WITH_THE_MAILING:
        about += " After its end (datetime_end) 409 as well."
    if step == CHANGE:
        about += f" After the start these fields are fixed, and another value is a 400: {', '.join(FIXED_AFTER_START)}."
    return {"description": about}


def _operation_id(operation: Operation) -> str:
    words = [word.strip("{}") for word in operation.path.split("/") if word]
    return "_".join([operation.method, *words]).lower()


def _parameters(operation: Operation) -> list[Schema]:
    found: list[Schema] = []
    if "{id}" in operation.path:
        found.append({"name": "id", "in": "path", "required": True, "schema": {**INTEGER, "minimum": 1}})
    if operation.is_list or operation.gives in PAGED:
        most, usual = (PART, PART) if operation.gives == CSV else (MAX_LIMIT, DEFAULT_LIMIT)
        limit = {**INTEGER, "minimum": 1, "default": usual}
        found += [
            _query("limit", limit, f"How many; {most:,} at the most"),
            _query("cursor", CURSOR, "From `next`, or the Link header; opaque"),
        ]
    filters: dict[str, Schema] = {"status": {"enum": list(MESSAGE_STATUSES)}}
    abouts = {
        "file_name": "What people call the file",
        "attributes": "Attributes that get a column, separated by commas; without it all of them",
    }
    found += [_query(name, filters.get(name, STRING), abouts.get(name, "Only those")) for name in operation.query]
    if operation.method == "post" and operation.caller == "token":
        about = "Repeated with the same key within 24 hours, the first answer is returned and nothing is done"
        schema = {**STRING, "pattern": "^[!-~]{1,255}$"}
        found.append({"name": "Idempotency-Key", "in": "header", "description": about, "schema": schema})
    return found


def _query(name: str, schema: Schema, about: str) -> Schema:
    return {"name": name, "in": "query", "description": about, "schema": schema}


def _answer(operation: Operation) -> Schema:
    if operation.gives is None:
        return {"description": "Done"}
    if operation.gives == CSV:
        return CSV_PART
    if operation.gives == TEXT:
        return {"description": "Prometheus' text format", "content": {TEXT: {"schema": STRING}}}
    schema = page_of(ref(operation.gives)) if operation.is_list else ref(operation.gives)
    return {"description": "As asked", "content": {"application/json": {"schema": schema}}}


def _refusal(code: int) -> Schema:
    schema = {"anyOf": [DETAIL, ref("FieldErrors")]} if code == 400 else DETAIL
    return {"description": ERRORS[code], "content": {"application/json": {"schema": schema}}}
