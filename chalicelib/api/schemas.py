"""JSON schemas of requests and answers. Those of requests are made from the field rules that check them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from ..domain.allowed_steps import FIXED_AFTER_START
from ..domain.client import Client
from ..domain.client_import import KINDS as IMPORT_KINDS
from ..domain.client_import import STATUSES as IMPORT_STATUSES
from ..domain.consent import PURPOSES
from ..domain.mailing import STATUSES as MAILING_STATUSES
from ..domain.message import STATUSES as MESSAGE_STATUSES
from ..domain.receipt import MAX_RECEIPTS
from ..domain.series import MAILINGS_KEPT
from ..domain.series import STATUSES as SERIES_STATUSES
from ..domain.stop import SOURCES
from ..fields import (
    CLIENT,
    CLIENT_READ_ONLY,
    MAILING,
    MAILING_READ_ONLY,
    PHONE_NUMBER,
    RECEIPT,
    RESEND,
    SEGMENT,
    SEGMENT_READ_ONLY,
    STOP,
    STOP_READ_ONLY,
)
from ..representation import CLIENT_FIELDS
from ..rules import Field, Schema
from ..series_fields import SERIES, SERIES_READ_ONLY, SKIP

INTEGER: Schema = {"type": "integer"}
STRING: Schema = {"type": "string"}
CURSOR: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER_OR_NULL: Schema = {"type": ["integer", "null"]}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
TIME: Schema = {"type": "string", "format": "date-time", "examples": ["2026-12-01T06:30:00Z"]}
TIME_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
DETAIL: Schema = {"type": "object", "properties": {"detail": STRING}, "required": ["detail"]}
DOLLARS_OR_NULL: Schema = {"type": ["number", "null"], "description": "US dollars, at the list prices of AWS."}
AMOUNT_OR_NULL: Schema = {"type": ["string", "null"], "examples": ["1500.00"]}
SPENDING: dict[str, Schema] = {"parts": INTEGER, "spent": AMOUNT_OR_NULL, "currency": TEXT_OR_NULL}
AMOUNT: Schema = {"type": "string", "examples": ["1500.00"]}
FIELDS_OR_NULL: Schema = {"type": ["object", "null"]}
CELLS: Schema = {"type": "object", "additionalProperties": STRING}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


SHOWN_BY_TYPE: dict[str, Schema] = {
    "int": INTEGER,
    "str": STRING,
    "str | None": TEXT_OR_NULL,
    "datetime | None": TIME_OR_NULL,
    "Mapping[str, str]": CELLS,
}
CLIENT_TYPES = {field.name: str(field.type) for field in fields(Client)} | {"operator_code": "str"}
CLIENT_PROPERTIES: dict[str, Schema] = {name: SHOWN_BY_TYPE[CLIENT_TYPES[name]] for name in CLIENT_FIELDS}
MAILING_PROPERTIES: dict[str, Schema] = {
    "id": INTEGER,
    "status": {"enum": list(MAILING_STATUSES)},
    "datetime_start": TIME,
    "datetime_end": TIME,
    "message_text": STRING,
    "purpose": {"enum": list(PURPOSES)},
    "sender": TEXT_OR_NULL,
    "filter_tag": TEXT_OR_NULL,
    "filter_op_codes": TEXT_OR_NULL,
    "filter": FIELDS_OR_NULL,
    "segment": INTEGER_OR_NULL,
    "time_from": TEXT_OR_NULL,
    "time_to": TEXT_OR_NULL,
    **dict.fromkeys(("rate_limit", "canary", "max_error_rate"), INTEGER_OR_NULL),
    "max_cost": AMOUNT_OR_NULL,
    "paused_because": TEXT_OR_NULL,
    "series_id": INTEGER_OR_NULL,
}
SERIES_PROPERTIES: dict[str, Schema] = {
    "id": INTEGER,
    "status": {"enum": list(SERIES_STATUSES)},
    **{name: MAILING_PROPERTIES[name] for name in MAILING},
    **dict.fromkeys(("datetime_start", "datetime_end"), TIME_OR_NULL),
    **dict.fromkeys(("repeat", "timezone"), STRING),
    **dict.fromkeys(("repeat_until", "skip_dates"), TEXT_OR_NULL),
    "repeat_times": INTEGER_OR_NULL,
    **dict.fromkeys(("made", "missed"), INTEGER),
    "mailing_ids": {"type": "array", "items": INTEGER, "maxItems": MAILINGS_KEPT},
    "next_starts": {"type": "array", "items": TIME},
}
MESSAGE_PROPERTIES: dict[str, Schema] = {
    "id": INTEGER,
    "mailing_id": INTEGER,
    "client_id": INTEGER,
    "status": {"enum": list(MESSAGE_STATUSES)},
    "created_at": TIME,
    "sent_at": TIME_OR_NULL,
    "attempts": INTEGER,
    "last_error": TEXT_OR_NULL,
    "reported_at": TIME_OR_NULL,
    "consent_at": TIME_OR_NULL,
}
RECORD_PROPERTIES: dict[str, Schema] = {
    "at": TIME,
    **dict.fromkeys(("who", "action", "what", "id"), STRING),
    **dict.fromkeys(("before", "after"), FIELDS_OR_NULL),
}
IMPORT_PROPERTIES: dict[str, Schema] = {
    "id": INTEGER,
    "kind": {"enum": list(IMPORT_KINDS)},
    "status": {"enum": list(IMPORT_STATUSES)},
    "file_name": STRING,
    "dry_run": BOOLEAN,
    "encoding": STRING,
    **dict.fromkeys(("rows", "added", "changed", "unchanged", "refused", "opted_out", "normalized"), INTEGER),
    "created_at": TIME,
    "finished_at": TIME_OR_NULL,
    "detail": TEXT_OR_NULL,
    "undo": {"anyOf": [{"type": "null"}, ref("Undo")]},
}
STOP_PROPERTIES: dict[str, Schema] = {
    "phone_number": STRING,
    "opted_out_at": TIME,
    "reason": TEXT_OR_NULL,
    "source": {"enum": [*SOURCES, None], "description": "Null for a stop of an earlier version."},
    "client_id": INTEGER_OR_NULL,
}
STAYS_REFUSED: Schema = {
    "type": "boolean",
    "description": "The person had opted out, so the phone number cannot be registered again until it is readmitted.",
}
WARNINGS: Schema = {
    "type": "array",
    "items": STRING,
    "minItems": 1,
    "description": "Tags that no client has, and whether nobody is reached, as of now. Absent if there is no warning.",
}
BALANCES: Schema = {
    "type": "array",
    "items": ref("Balance"),
    "description": "Of the gateways that have told one. Empty without BALANCE_ALARM.",
}
RECEIPTS: Schema = {"type": "array", "items": ref("Receipt"), "minItems": 1, "maxItems": MAX_RECEIPTS}
ROW_PROPERTIES: dict[str, Schema] = {"row": INTEGER, "cells": CELLS, "errors": ref("FieldErrors")}


def schemas() -> dict[str, Schema]:
    """The schemas by the names that `openapi.OPERATIONS` uses."""
    counts = {"total": INTEGER, **dict.fromkeys(MESSAGE_STATUSES, INTEGER)}
    totals = {"mailings": INTEGER, "messages": INTEGER, **dict.fromkeys(MESSAGE_STATUSES, INTEGER), **SPENDING}
    with_counts = {**MAILING_PROPERTIES, **SPENDING, "messages": ref("Counts")}
    ends = {"last_post_at": TIME_OR_NULL, "ended_at": TIME_OR_NULL, "cost_estimate": DOLLARS_OR_NULL}
    page, messages = page_fields(object_of(with_counts)), page_fields(ref("Message"))
    return {
        "Import": object_of(IMPORT_PROPERTIES),
        "ImportWithRows": object_of({**IMPORT_PROPERTIES, **page_fields(object_of(ROW_PROPERTIES))}),
        "Undo": object_of({"at": TIME, **dict.fromkeys(("removed", "restored", "kept"), INTEGER)}),
        "Kept": object_of({"client_id": INTEGER, "reason": STRING}),
        "Record": object_of(RECORD_PROPERTIES),
        "Client": object_of(CLIENT_PROPERTIES),
        "NewClient": _request_schema(CLIENT, CLIENT_READ_ONLY, partial=False),
        "ClientChange": _request_schema(CLIENT, CLIENT_READ_ONLY, partial=True),
        "PhoneNumber": _request_schema(PHONE_NUMBER, set(), partial=False),
        "Erased": object_of({"client_id": INTEGER_OR_NULL, "stays_refused": STAYS_REFUSED}),
        "Stop": object_of(STOP_PROPERTIES),
        "NewStop": _request_schema(STOP, STOP_READ_ONLY, partial=False),
        "Mailing": object_of(MAILING_PROPERTIES),
        "ChangedMailing": _with_warnings(MAILING_PROPERTIES),
        "NewMailing": _request_schema(MAILING, MAILING_READ_ONLY, partial=False),
        "MailingChange": _request_schema(_with_fixed_notes(MAILING), MAILING_READ_ONLY, partial=True),
        "Preview": _preview(),
        "Segment": object_of({"id": INTEGER, "name": STRING, "filter": {"type": "object"}}),
        "NewSegment": _request_schema(SEGMENT, SEGMENT_READ_ONLY, partial=False),
        "SegmentChange": _request_schema(SEGMENT, SEGMENT_READ_ONLY, partial=True),
        "SegmentCount": object_of({"clients": INTEGER, "is_whole": BOOLEAN}),
        "Series": object_of(SERIES_PROPERTIES),
        "NewSeries": _request_schema(SERIES, SERIES_READ_ONLY, partial=False),
        "SeriesChange": _request_schema(SERIES, SERIES_READ_ONLY, partial=True),
        "Skip": _request_schema(SKIP, set(), partial=False),
        "Resend": _request_schema(RESEND, set(), partial=False),
        "Receipt": _request_schema(RECEIPT, set(), partial=False),
        "Receipts": {"anyOf": [ref("Receipt"), RECEIPTS]},
        "Taken": object_of({"accepted": INTEGER, "unknown": INTEGER}),
        "Message": object_of(MESSAGE_PROPERTIES),
        "MailedMessage": object_of({**MESSAGE_PROPERTIES, "datetime_start": TIME, "message_text": STRING}),
        "Counts": object_of(counts),
        "Balance": object_of(
            {"gateway": STRING, "balance": AMOUNT, "currency": TEXT_OR_NULL, "at": TIME, "is_low": BOOLEAN}
        ),
        "Totals": object_of({"totals": object_of(totals), "dead_letters": INTEGER, "balances": BALANCES, **page}),
        "MailingStats": object_of({**with_counts, **ends, **messages}),
        "FieldErrors": {"type": "object", "additionalProperties": {"type": "array", "items": STRING}},
    }


def _preview() -> Schema:
    numbers: Schema = {"type": "object", "additionalProperties": INTEGER}
    length = {"encoding": STRING, **dict.fromkeys(("characters", "parts", "per_part"), INTEGER)}
    example = object_of({"phone_number": STRING, "text": STRING, "parts": INTEGER})
    return _with_warnings(
        {
            **dict.fromkeys(("clients", "parts", "reached", "too_late", "unreachable"), INTEGER),
            **dict.fromkeys(("is_whole", "is_sampled"), BOOLEAN),
            **dict.fromkeys(("by_timezone", "by_operator_code"), numbers),
            "filter_text": {**TEXT_OR_NULL, "description": "The condition of `filter` as a sentence."},
            "length": object_of(length),
            "examples": {"type": "array", "items": example},
            "cost": object_of({"texts": AMOUNT_OR_NULL, "currency": TEXT_OR_NULL, "aws_dollars": {"type": "number"}}),
            "rate": {"type": ["number", "null"]},
            "rate_needed": INTEGER_OR_NULL,
            "starts_at": TIME,
            "ends_at": TIME_OR_NULL,
        }
    )


def _with_warnings(properties: Mapping[str, Schema]) -> Schema:
    return {**object_of({**properties, "warnings": WARNINGS}), "required": list(properties)}


def _request_schema(known: Mapping[str, Field], read_only: set[str], partial: bool) -> Schema:
    """The schema of a request body. Read-only fields are ignored; unknown fields are refused."""
    properties: dict[str, Schema] = {
        name: {**field.rule.schema, "description": field.about} for name, field in known.items()
    }
    properties |= {name: {"readOnly": True} for name in sorted(read_only)}
    required = [] if partial else [name for name, field in known.items() if field.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _with_fixed_notes(known: Mapping[str, Field]) -> dict[str, Field]:
    """Adds to the descriptions of some fields that they are fixed after the start."""
    return {
        name: replace(field, about=f"{field.about} Fixed after the start.") if name in FIXED_AFTER_START else field
        for name, field in known.items()
    }


def object_of(properties: Mapping[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def page_of(item: Schema) -> Schema:
    return object_of(page_fields(item))


def page_fields(item: Schema) -> dict[str, Schema]:
    return {"next": TEXT_OR_NULL, "results": {"type": "array", "items": item}}
