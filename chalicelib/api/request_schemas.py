"""JSON schemas of request bodies, made from the field rules that check them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..domain.allowed_steps import FIXED_AFTER_START
from ..domain.receipt import MAX_RECEIPTS
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
from ..rules import Field, Schema
from ..series_fields import SERIES, SERIES_READ_ONLY, SKIP
from .documented import request_example
from .json_types import ref

NOTHING: set[str] = set()

NEW = {
    "NewClient": (CLIENT, CLIENT_READ_ONLY),
    "PhoneNumber": (PHONE_NUMBER, NOTHING),
    "NewStop": (STOP, STOP_READ_ONLY),
    "NewMailing": (MAILING, MAILING_READ_ONLY),
    "NewSegment": (SEGMENT, SEGMENT_READ_ONLY),
    "NewSeries": (SERIES, SERIES_READ_ONLY),
    "Skip": (SKIP, NOTHING),
    "Resend": (RESEND, NOTHING),
    "Receipt": (RECEIPT, NOTHING),
}
"""By the name of a schema: the fields, and the read-only ones. Required fields are required."""

RECEIPTS: Schema = {"type": "array", "items": ref("Receipt"), "minItems": 1, "maxItems": MAX_RECEIPTS}


def request_schemas() -> dict[str, Schema]:
    """By the names that OPERATIONS use."""
    return {
        **{name: _schema(request_example(name), *NEW[name]) for name in NEW},
        "ClientChange": _change("Client", CLIENT),
        "MailingChange": _change("Mailing", _with_fixed_notes(MAILING)),
        "SegmentChange": _change("Segment", SEGMENT),
        "SeriesChange": _change("Series", SERIES),
        "Receipts": {"anyOf": [ref("Receipt"), RECEIPTS]},
    }


def _change(name: str, known: Mapping[str, Field]) -> Schema:
    """The schema of a PATCH: no field is required. The other fields have the values of a new object."""
    shown = {**request_example(f"New{name}"), **request_example(f"{name}Change")}
    return {**_schema(shown, known, NEW[f"New{name}"][1]), "required": []}


def _schema(shown: Mapping[str, object], known: Mapping[str, Field], read_only: set[str]) -> Schema:
    """Read-only fields are ignored; unknown fields are refused. `shown`: the values of the example."""
    properties: dict[str, Schema] = {name: _property(field, shown.get(name, "")) for name, field in known.items()}
    properties |= {name: {"readOnly": True} for name in sorted(read_only)}
    required = [name for name, field in known.items() if field.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _property(field: Field, value: object) -> Schema:
    """`value`: that of the whole example, "" without one. Swagger UI fills its forms with the values of all fields."""
    samples: Any = field.rule.schema.get("examples")
    if value != "" or not samples:
        return {**field.rule.schema, "description": field.about, "examples": [value]}
    sample = samples[0] if isinstance(samples[0], str) else json.dumps(samples[0], ensure_ascii=False)
    return {**field.rule.schema, "description": f"{field.about} For example: `{sample}`.", "examples": [""]}


def _with_fixed_notes(known: Mapping[str, Field]) -> dict[str, Field]:
    """Adds to the descriptions of some fields that they are fixed after the start."""
    return {
        name: replace(field, about=f"{field.about} Fixed after the start.") if name in FIXED_AFTER_START else field
        for name, field in known.items()
    }
