"""The parameters of the operations, for the API's description: in the path, in the query, in headers."""

from __future__ import annotations

from ..domain.client import PHONE
from ..domain.message import STATUSES as MESSAGE_STATUSES
from ..http.bodies import CSV
from ..http.exports import MOST_ROWS
from ..http.filters import AUDIT_FILTERS, MAILING_FILTERS
from ..http.paging import DEFAULT_LIMIT, MAX_LIMIT
from ..rules import Field, Schema
from .json_types import INTEGER, STRING
from .operations import Operation

ETAGS = r'^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$'
CURSOR: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}

SCHEMAS: dict[str, Schema] = {
    "id": {**INTEGER, "minimum": 1},
    "phone_number": {**STRING, "pattern": f"^{PHONE.pattern}$"},
    "status": {"enum": list(MESSAGE_STATUSES)},
    "dry_run": {"enum": ["true", "false"], "default": "false"},
    "opted_out": {"enum": ["true", "false"]},
    "If-Match": {**STRING, "pattern": ETAGS},
    "If-None-Match": {**STRING, "pattern": ETAGS},
    "Idempotency-Key": {**STRING, "pattern": "^[!-~]{1,255}$"},
}
"""By name; the others are texts."""

PATH = {"id": "The id", "phone_number": "The phone number as 79XXXXXXXXX"}
QUERY = {
    "file_name": "Name of the file, for display",
    "columns": 'What columns mean, as JSON: {"ФИО": "attributes.имя", "Комментарий": ""} (blank: left out)',
    "dry_run": "Count what the import would do, and write no client",
    "phone": "A number, its beginning (`7903`) or its end (`4567`); `*9031` is an end, `7903*` a beginning",
    "attribute": "Text in the value of an attribute, in any case: `name=text`, or `text` in any attribute",
    "opted_out": "Clients that are on the stop list, or that are not",
    "attributes": "Names of attributes to export, separated by commas; all by default",
}
FILTERS = {"/Mailing/": MAILING_FILTERS, "/Audit/": AUDIT_FILTERS}
"""By the path of a list: its filters with their rules."""

HEADERS = {
    "If-Match": "Change nothing unless the object has this ETag, or one of these",
    "If-None-Match": "Answer 304 if the object has this ETag, or one of these",
    "Idempotency-Key": (
        "A request repeated with the same key within 24 hours returns the first answer and changes nothing"
    ),
}


def parameters(operation: Operation) -> list[Schema]:
    found = [
        {**_described("path", name, about), "required": True}
        for name, about in PATH.items()
        if f"{{{name}}}" in operation.path
    ]
    if operation.is_paged:
        found += _page(operation)
    if operation.path in FILTERS:
        filters = FILTERS[operation.path].items()
        found += [_filter(name, field) for name, field in filters if name in operation.query]
    else:
        found += [_described("query", name, QUERY.get(name, "Filter by value")) for name in operation.query]
    return found + [_header(operation, name) for name in _headers(operation)]


def _header(operation: Operation, name: str) -> Schema:
    if operation.is_read_first and name == "If-Match":
        return {**_described("header", name, "The ETag of what was read"), "required": True}
    return _described("header", name, HEADERS[name])


def _page(operation: Operation) -> list[Schema]:
    most, default = (MOST_ROWS, MOST_ROWS) if operation.returns == CSV else (MAX_LIMIT, DEFAULT_LIMIT)
    about = f"Number of items, at most {most:,}; a page of long items ends earlier"
    limit = {**INTEGER, "minimum": 1, "default": default}
    return [
        {"name": "limit", "in": "query", "description": about, "schema": limit},
        {
            "name": "cursor",
            "in": "query",
            "description": "Opaque; copied from `next` or the Link header",
            "schema": CURSOR,
        },
    ]


def _filter(name: str, field: Field) -> Schema:
    return {"name": name, "in": "query", "description": field.about, "schema": field.rule.schema}


def _headers(operation: Operation) -> list[str]:
    if operation.is_read_first:
        return ["If-Match", "Idempotency-Key"]
    if operation.has_etag:
        return ["If-None-Match" if operation.method == "get" else "If-Match"]
    return ["Idempotency-Key"] if operation.method == "post" and operation.caller == "token" else []


def _described(place: str, name: str, about: str) -> Schema:
    return {"name": name, "in": place, "description": about, "schema": SCHEMAS.get(name, STRING)}
