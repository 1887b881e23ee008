"""The pieces of which the JSON schemas of the API are made."""

from __future__ import annotations

from collections.abc import Mapping

from ..rules import Schema

INTEGER: Schema = {"type": "integer"}
STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER_OR_NULL: Schema = {"type": ["integer", "null"]}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
TIME: Schema = {"type": "string", "format": "date-time", "examples": ["2026-12-01T06:30:00Z"]}
TIME_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
AMOUNT: Schema = {"type": "string", "examples": ["1500.00"]}
AMOUNT_OR_NULL: Schema = {"type": ["string", "null"], "examples": ["1500.00"]}
FIELDS_OR_NULL: Schema = {"type": ["object", "null"]}
TEXTS: Schema = {"type": "object", "additionalProperties": STRING}
NUMBERS: Schema = {"type": "object", "additionalProperties": INTEGER}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def object_of(properties: Mapping[str, Schema]) -> Schema:
    """An object that has exactly these fields."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def page_of(item: Schema) -> Schema:
    return object_of(page_fields(item))


def page_fields(item: Schema) -> dict[str, Schema]:
    return {"next": TEXT_OR_NULL, "results": list_of(item)}
