"""The API described for programs and people: OpenAPI 3.1, made from the field rules that check the requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..domain.client_import import STATUSES as IMPORT_STATUSES
from ..domain.mailing import STATUSES as MAILING_STATUSES
from ..domain.message import STATUSES as MESSAGE_STATUSES
from ..fields import CLIENT, CLIENT_READ_ONLY, MAILING, MAILING_READ_ONLY, RESEND, Field, Schema
from . import clients
from .bodies import BYTES, CSV
from .exports import PART
from .paging import DEFAULT_LIMIT, MAX_LIMIT

INTEGER: Schema = {"type": "integer"}
STRING: Schema = {"type": "string"}
CURSOR: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
TIME: Schema = {"type": "string", "format": "date-time", "examples": ["2026-12-01T06:30:00Z"]}
TIME_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
DETAIL: Schema = {"type": "object", "properties": {"detail": STRING}, "required": ["detail"]}

CSV_PART: Schema = {
    "description": "UTF-8, separated by ; the first part begins with a BOM and the names of the columns",
    "headers": {"Link": {"description": 'The next part: `<address>; rel="next"`; absent at the end', "schema": STRING}},
    "content": {CSV: {"schema": STRING}},
}

ERRORS = {
    400: "Bad input: every bad field, or `detail` of the request as a whole",
    401: "No token, or one that is not known",
    403: "The token's role does not allow it",
    404: "There is none such",
    409: "Not in this status, or somebody else is changing the same thing: the reason",
    413: "A body over 256 KB; a file over 5 MB",
    415: "Neither JSON nor a form; not a file where one is expected",
    422: "The Idempotency-Key was used for another request",
}
ALWAYS = (400, 401, 403)


PAGED = (CSV, "Totals", "MailingStats", "ImportWithRows")
"""What comes in pages, or in parts, without being a list."""


@dataclass(frozen=True)
class Operation:
    """`takes` and `gives` name a schema, or are CSV; a page of them when `is_list`. `query`: parameters by name."""

    path: str
    method: str
    summary: str
    gives: str | None = None
    takes: str | None = None
    status: int = 200
    is_list: bool = False
    query: tuple[str, ...] = ()

    @property
    def errors(self) -> list[int]:
        return [
            *ALWAYS,
            *([404] if "{" in self.path else []),
            *([] if self.method == "get" else [409, 413, 415]),
            *([422] if self.method == "post" else []),
        ]


OPERATIONS = [
    Operation("/Clients/", "get", "List clients", "Client", is_list=True, query=clients.FILTERS),
    Operation("/Clients/", "post", "Register a client", "Client", "NewClient", 201),
    Operation("/Clients/import/", "get", "List imports, the newest first", "Import", is_list=True),
    Operation("/Clients/import/", "post", "Import clients from a file", "Import", CSV, 202, query=("file_name",)),
    Operation("/Clients/import/{id}/", "get", "How far an import is, and its refused rows", "ImportWithRows"),
    Operation("/Clients/import/{id}/refused/", "get", "An import's refused rows, with the reasons", CSV),
    Operation("/Clients/export/", "get", "Clients as CSV, part by part", CSV, query=clients.FILTERS),
    Operation("/Clients/{id}/", "get", "Read a client", "Client"),
    Operation("/Clients/{id}/", "put", "Replace a client", "Client", "NewClient"),
    Operation("/Clients/{id}/", "patch", "Change a client", "Client", "ClientChange"),
    Operation("/Clients/{id}/", "delete", "Forget a client", status=204),
    Operation("/Mailing/", "get", "List mailings, the newest first", "Mailing", is_list=True),
    Operation("/Mailing/", "post", "Announce a mailing", "Mailing", "NewMailing", 201),
    Operation("/Mailing/{id}/", "get", "Read a mailing", "Mailing"),
    Operation("/Mailing/{id}/", "put", "Replace a mailing", "Mailing", "NewMailing"),
    Operation("/Mailing/{id}/", "patch", "Change a mailing", "Mailing", "MailingChange"),
    Operation("/Mailing/{id}/", "delete", "Withdraw a mailing, and its statistics", status=204),
    Operation("/Mailing/{id}/pause/", "post", "Pause a running mailing", "Mailing"),
    Operation("/Mailing/{id}/resume/", "post", "Resume a paused mailing", "Mailing"),
    Operation("/Mailing/{id}/cancel/", "post", "Cancel a mailing for good", "Mailing"),
    Operation("/Mailing/{id}/resend/", "post", "Send again to those not reached", "Mailing", "Resend"),
    Operation("/Stats/", "get", "Totals, and every mailing with its counts", "Totals"),
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
            "version": "1",
            "description": "Text-message campaigns from your own AWS account.",
        },
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`Token <40 hex characters>`",
                }
            },
        },
    }


def _operation(operation: Operation) -> Schema:
    described: Schema = {
        "operationId": _operation_id(operation),
        "tags": [operation.path.split("/")[1]],
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": {str(operation.status): _answer(operation)}
        | {str(code): _refusal(code) for code in operation.errors},
    }
    if operation.takes:
        is_file = operation.takes == CSV
        content = {"schema": STRING if is_file else _ref(operation.takes)}
        types = (CSV, BYTES) if is_file else ("application/json", "application/x-www-form-urlencoded")
        is_required = operation.method != "patch"
        described["requestBody"] = {"required": is_required, "content": dict.fromkeys(types, content)}
    return described


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
    abouts = {"file_name": "What people call the file"}
    found += [_query(name, filters.get(name, STRING), abouts.get(name, "Only those")) for name in operation.query]
    if operation.method == "post":
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
    schema = _page(_ref(operation.gives)) if operation.is_list else _ref(operation.gives)
    return {"description": "As asked", "content": {"application/json": {"schema": schema}}}


def _refusal(code: int) -> Schema:
    schema = {"anyOf": [DETAIL, _ref("FieldErrors")]} if code == 400 else DETAIL
    return {"description": ERRORS[code], "content": {"application/json": {"schema": schema}}}


def _schemas() -> dict[str, Schema]:
    client_shown: dict[str, Schema] = {
        "id": INTEGER,
        "phone_number": STRING,
        "operator_code": STRING,
        "tag": TEXT_OR_NULL,
        "timezone": STRING,
    }
    mailing_shown: dict[str, Schema] = {
        "id": INTEGER,
        "status": {"enum": list(MAILING_STATUSES)},
        "datetime_start": TIME,
        "datetime_end": TIME,
        "message_text": STRING,
        "filter_tag": TEXT_OR_NULL,
        "filter_op_codes": TEXT_OR_NULL,
    }
    message_shown: dict[str, Schema] = {
        "id": INTEGER,
        "mailing_id": INTEGER,
        "client_id": INTEGER,
        "status": {"enum": list(MESSAGE_STATUSES)},
        "created_at": TIME,
        "sent_at": TIME_OR_NULL,
        "attempts": INTEGER,
        "last_error": TEXT_OR_NULL,
    }
    counts = {"total": INTEGER, **dict.fromkeys(MESSAGE_STATUSES, INTEGER)}
    totals = {"mailings": INTEGER, "messages": INTEGER, **dict.fromkeys(MESSAGE_STATUSES, INTEGER)}
    with_counts = {**mailing_shown, "messages": _ref("Counts")}
    ends = {"last_post_at": TIME_OR_NULL, "ended_at": TIME_OR_NULL}
    page, messages = _page_fields(_object(with_counts)), _page_fields(_ref("Message"))
    fields_or_null: Schema = {"type": ["object", "null"]}
    record_shown: dict[str, Schema] = {
        "at": TIME,
        **dict.fromkeys(("who", "action", "what", "id"), STRING),
        **dict.fromkeys(("before", "after"), fields_or_null),
    }
    import_shown: dict[str, Schema] = {
        "id": INTEGER,
        "status": {"enum": list(IMPORT_STATUSES)},
        "file_name": STRING,
        **dict.fromkeys(("rows", "added", "changed", "unchanged", "refused"), INTEGER),
        "created_at": TIME,
        "finished_at": TIME_OR_NULL,
        "detail": TEXT_OR_NULL,
    }
    cells: Schema = {"type": "object", "additionalProperties": STRING}
    row_shown: dict[str, Schema] = {"row": INTEGER, "cells": cells, "errors": _ref("FieldErrors")}
    return {
        "Import": _object(import_shown),
        "ImportWithRows": _object({**import_shown, **_page_fields(_object(row_shown))}),
        "Record": _object(record_shown),
        "Client": _object(client_shown),
        "NewClient": _sent(CLIENT, CLIENT_READ_ONLY, partial=False),
        "ClientChange": _sent(CLIENT, CLIENT_READ_ONLY, partial=True),
        "Mailing": _object(mailing_shown),
        "NewMailing": _sent(MAILING, MAILING_READ_ONLY, partial=False),
        "MailingChange": _sent(MAILING, MAILING_READ_ONLY, partial=True),
        "Resend": _sent(RESEND, set(), partial=False),
        "Message": _object(message_shown),
        "Counts": _object(counts),
        "Totals": _object({"totals": _object(totals), "dead_letters": INTEGER, **page}),
        "MailingStats": _object({**with_counts, **ends, **messages}),
        "FieldErrors": {"type": "object", "additionalProperties": {"type": "array", "items": STRING}},
    }


def _sent(known: Mapping[str, Field], read_only: set[str], partial: bool) -> Schema:
    """What may be sent: the fields with their rules; read-only ones are ignored, any other is refused."""
    properties: dict[str, Schema] = {
        name: {**field.rule.schema, "description": field.about} for name, field in known.items()
    }
    properties |= {name: {"readOnly": True} for name in sorted(read_only)}
    required = [] if partial else [name for name, field in known.items() if field.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _object(properties: Mapping[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _page(item: Schema) -> Schema:
    return _object(_page_fields(item))


def _page_fields(item: Schema) -> dict[str, Schema]:
    return {"next": TEXT_OR_NULL, "results": {"type": "array", "items": item}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
