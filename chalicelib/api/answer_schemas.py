"""JSON schemas of answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from ..domain.client import Client
from ..domain.client_import import KINDS as IMPORT_KINDS
from ..domain.client_import import STATUSES as IMPORT_STATUSES
from ..domain.consent import PURPOSES
from ..domain.mailing import STATUSES as MAILING_STATUSES
from ..domain.message import STATUSES as MESSAGE_STATUSES
from ..domain.series import MAILINGS_KEPT
from ..domain.series import STATUSES as SERIES_STATUSES
from ..domain.stop import SOURCES
from ..fields import MAILING
from ..representation import CLIENT_FIELDS
from ..rules import Schema
from .json_types import (
    AMOUNT,
    AMOUNT_OR_NULL,
    BOOLEAN,
    FIELDS_OR_NULL,
    INTEGER,
    INTEGER_OR_NULL,
    NUMBERS,
    STRING,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    TIME_OR_NULL,
    list_of,
    object_of,
    page_fields,
    ref,
)

DOLLARS_OR_NULL: Schema = {"type": ["number", "null"], "description": "US dollars, at the list prices of AWS."}
SPENDING: dict[str, Schema] = {"parts": INTEGER, "spent": AMOUNT_OR_NULL, "currency": TEXT_OR_NULL}
SHOWN_BY_TYPE: dict[str, Schema] = {
    "int": INTEGER,
    "str": STRING,
    "str | None": TEXT_OR_NULL,
    "datetime | None": TIME_OR_NULL,
    "Mapping[str, str]": TEXTS,
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
    "approved_by": TEXT_OR_NULL,
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
ROW_PROPERTIES: dict[str, Schema] = {"row": INTEGER, "cells": TEXTS, "errors": ref("FieldErrors")}


def answer_schemas() -> dict[str, Schema]:
    """By the names that OPERATIONS use."""
    return {
        **_of_clients(),
        **_of_mailings(),
        **_of_statistics(),
        "Record": object_of(RECORD_PROPERTIES),
        "Taken": object_of({"accepted": INTEGER, "unknown": INTEGER}),
        "FieldErrors": {"type": "object", "additionalProperties": list_of(STRING)},
        "Refusal": object_of({"detail": STRING}),
        "RefusalWithId": object_of({"detail": STRING, "request_id": STRING}),
    }


def _of_clients() -> dict[str, Schema]:
    return {
        "Client": object_of(CLIENT_PROPERTIES),
        "Erased": object_of({"client_id": INTEGER_OR_NULL, "stays_refused": STAYS_REFUSED}),
        "Stop": object_of(STOP_PROPERTIES),
        "Import": object_of(IMPORT_PROPERTIES),
        "ImportWithRows": object_of({**IMPORT_PROPERTIES, **page_fields(object_of(ROW_PROPERTIES))}),
        "Undo": object_of({"at": TIME, **dict.fromkeys(("removed", "restored", "kept"), INTEGER)}),
        "Kept": object_of({"client_id": INTEGER, "reason": STRING}),
    }


def _of_mailings() -> dict[str, Schema]:
    return {
        "Mailing": object_of(MAILING_PROPERTIES),
        "ChangedMailing": _with_warnings(MAILING_PROPERTIES),
        "Preview": _preview(),
        "Segment": object_of({"id": INTEGER, "name": STRING, "filter": {"type": "object"}}),
        "SegmentCount": object_of({"clients": INTEGER, "is_whole": BOOLEAN}),
        "Series": object_of(SERIES_PROPERTIES),
        "Message": object_of(MESSAGE_PROPERTIES),
        "MailedMessage": object_of({**MESSAGE_PROPERTIES, "datetime_start": TIME, "message_text": STRING}),
    }


def _of_statistics() -> dict[str, Schema]:
    by_status = dict.fromkeys(MESSAGE_STATUSES, INTEGER)
    balance = {"gateway": STRING, "balance": AMOUNT, "currency": TEXT_OR_NULL, "at": TIME, "is_low": BOOLEAN}
    totals = object_of({"mailings": INTEGER, "messages": INTEGER, **by_status, **SPENDING})
    with_counts = {**MAILING_PROPERTIES, **SPENDING, "messages": ref("Counts")}
    ends = {"last_post_at": TIME_OR_NULL, "ended_at": TIME_OR_NULL, "cost_estimate": DOLLARS_OR_NULL}
    page, messages = page_fields(object_of(with_counts)), page_fields(ref("Message"))
    return {
        "Counts": object_of({"total": INTEGER, **by_status}),
        "Balance": object_of(balance),
        "Totals": object_of({"totals": totals, "dead_letters": INTEGER, "balances": BALANCES, **page}),
        "MailingStats": object_of({**with_counts, **ends, **messages}),
    }


def _preview() -> Schema:
    length = {"encoding": STRING, **dict.fromkeys(("characters", "parts", "per_part"), INTEGER)}
    example = object_of({"phone_number": STRING, "text": STRING, "parts": INTEGER})
    return _with_warnings(
        {
            **dict.fromkeys(("clients", "parts", "reached", "too_late", "unreachable"), INTEGER),
            **dict.fromkeys(("is_whole", "is_sampled"), BOOLEAN),
            **dict.fromkeys(("by_timezone", "by_operator_code"), NUMBERS),
            "filter_text": {**TEXT_OR_NULL, "description": "The condition of `filter` as a sentence."},
            "length": object_of(length),
            "examples": list_of(example),
            "cost": object_of({"texts": AMOUNT_OR_NULL, "currency": TEXT_OR_NULL, "aws_dollars": {"type": "number"}}),
            "rate": {"type": ["number", "null"]},
            "rate_needed": INTEGER_OR_NULL,
            "starts_at": TIME,
            "ends_at": TIME_OR_NULL,
        }
    )


def _with_warnings(properties: Mapping[str, Schema]) -> Schema:
    return {**object_of({**properties, "warnings": WARNINGS}), "required": list(properties)}
