"""The OpenAPI 3.1 description of the API, made from the field rules that check the requests."""

from __future__ import annotations

from .. import __version__
from ..domain.allowed_steps import (
    ALLOWED_IN,
    CHANGE,
    FIXED_AFTER_START,
    REFUSED_AFTER_END,
)
from ..domain.client import PHONE
from ..domain.mailing import STATUSES as MAILING_STATUSES
from ..domain.message import STATUSES as MESSAGE_STATUSES
from ..http.bodies import BYTES, CSV, FORM, JSON
from ..http.exports import MOST_ROWS
from ..http.filters import MAILING_FILTERS
from ..http.paging import DEFAULT_LIMIT, MAX_LIMIT
from ..rules import Schema
from .metrics import TEXT
from .operations import ERRORS, GATEWAY, OPERATIONS, Operation
from .schemas import CURSOR, DETAIL, INTEGER, STRING, page_of, ref, schemas

CSV_PART: Schema = {
    "description": "UTF-8, separated by semicolons; the first part starts with a BOM and the column names",
    "headers": {"Link": {"description": 'The next part: `<URL>; rel="next"`; absent at the end', "schema": STRING}},
    "content": {CSV: {"schema": STRING}},
}

ETAG: Schema = {"ETag": {"description": "The version of the object, for If-Match", "schema": STRING}}
NOT_MODIFIED: Schema = {"description": "The object has the ETag in If-None-Match", "headers": ETAG}
IF_MATCH = "If-Match", "Change nothing unless the object has this ETag, or one of these"
IF_NONE_MATCH = "If-None-Match", "Answer 304 if the object has this ETag, or one of these"
ETAGS = r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$'


def document(server: str) -> Schema:
    """The OpenAPI document; `server` is the base URL of the paths."""
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
                    "description": "The secret of delivery receipts. If they are not enabled, the route answers 404.",
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
        "responses": {str(status): _answer(operation) for status in (operation.status, operation.repeated) if status}
        | ({"304": NOT_MODIFIED} if operation.is_tagged and operation.method == "get" else {})
        | {str(code): _refusal(code) for code in operation.errors},
    }
    if operation.caller != "token":
        described["security"] = [{operation.caller: []}]
    if operation.accepts:
        is_file = operation.accepts == CSV
        content = {"schema": STRING if is_file else ref(operation.accepts)}
        types = (CSV, BYTES) if is_file else (JSON, FORM) if operation.caller == "token" else (JSON,)
        is_required = operation.method != "patch"
        described["requestBody"] = {"required": is_required, "content": dict.fromkeys(types, content)}
    return described


def _about_step(step: str | None) -> Schema:
    """The statuses that allow the step, and the fields that it cannot change."""
    if step is None:
        return {}
    statuses = ALLOWED_IN[step]
    about = f"Allowed while the mailing is {', '.join(statuses)}; otherwise 409."
    if statuses == MAILING_STATUSES:
        about = "Allowed in every status of the mailing."
    if step in REFUSED_AFTER_END:
        about += " After the end (datetime_end) the answer is also 409."
    if step == CHANGE:
        about += f" After the start these fields are fixed, and a new value is a 400: {', '.join(FIXED_AFTER_START)}."
    return {"description": about}


def _operation_id(operation: Operation) -> str:
    words = [word.strip("{}") for word in operation.path.split("/") if word]
    return "_".join([operation.method, *words]).lower()


def _parameters(operation: Operation) -> list[Schema]:
    found: list[Schema] = []
    if "{id}" in operation.path:
        found.append({"name": "id", "in": "path", "required": True, "schema": {**INTEGER, "minimum": 1}})
    if "{phone_number}" in operation.path:
        schema = {**STRING, "pattern": f"^{PHONE.pattern}$"}
        found.append({"name": "phone_number", "in": "path", "required": True, "schema": schema})
    if operation.is_paged:
        most, default = (MOST_ROWS, MOST_ROWS) if operation.returns == CSV else (MAX_LIMIT, DEFAULT_LIMIT)
        limit = {**INTEGER, "minimum": 1, "default": default}
        found += [
            _query("limit", limit, f"Number of items, at most {most:,}; a page of long items ends earlier"),
            _query("cursor", CURSOR, "Opaque; copied from `next` or the Link header"),
        ]
    filters: dict[str, Schema] = {
        "status": {"enum": list(MESSAGE_STATUSES)},
        "dry_run": {"enum": ["true", "false"], "default": "false"},
        "opted_out": {"enum": ["true", "false"]},
    }
    abouts = {
        "file_name": "Name of the file, for display",
        "columns": 'What columns mean, as JSON: {"ФИО": "attributes.имя", "Комментарий": ""} (blank: left out)',
        "dry_run": "Count what the import would do, and write no client",
        "phone": "A number, its beginning (`7903`) or its end (`4567`); `*9031` is an end, `7903*` a beginning",
        "attribute": "Text in the value of an attribute, in any case: `name=text`, or `text` in any attribute",
        "opted_out": "Clients that are on the stop list, or that are not",
        "attributes": "Names of attributes to export, separated by commas; all by default",
    }
    if operation.path == "/Mailing/":
        filters |= {name: field.rule.schema for name, field in MAILING_FILTERS.items()}
        abouts |= {name: field.about for name, field in MAILING_FILTERS.items()}
    found += [_query(name, filters.get(name, STRING), abouts.get(name, "Filter by value")) for name in operation.query]
    if operation.is_tagged:
        is_read = operation.method == "get"
        about = (
            "Answer 304 if the object has this ETag" if is_read else "Change nothing unless the object has this ETag"
        )
        name, schema = "If-None-Match" if is_read else "If-Match", {**STRING, "pattern": ETAGS}
        found.append({"name": name, "in": "header", "description": f"{about}, or any of several", "schema": schema})
    if operation.method == "post" and operation.caller == "token":
        about = "A request repeated with the same key within 24 hours returns the first answer and changes nothing"
        schema = {**STRING, "pattern": "^[!-~]{1,255}$"}
        found.append({"name": "Idempotency-Key", "in": "header", "description": about, "schema": schema})
    return found


def _query(name: str, schema: Schema, about: str) -> Schema:
    return {"name": name, "in": "query", "description": about, "schema": schema}


def _answer(operation: Operation) -> Schema:
    if operation.returns is None:
        return {"description": "Success, without a body"}
    if operation.returns == CSV:
        return CSV_PART
    if operation.returns == TEXT:
        return {"description": "The Prometheus text format", "content": {TEXT: {"schema": STRING}}}
    schema = page_of(ref(operation.returns)) if operation.is_list else ref(operation.returns)
    answer: Schema = {"description": "Success", "content": {"application/json": {"schema": schema}}}
    return {**answer, "headers": ETAG} if operation.is_tagged and operation.method in ("get", "patch") else answer


def _refusal(code: int) -> Schema:
    schema = {"anyOf": [DETAIL, ref("FieldErrors")]} if code == 400 else DETAIL
    return {"description": ERRORS[code], "content": {"application/json": {"schema": schema}}}
