"""The JSON schemas of the API, by name."""

from __future__ import annotations

from ..rules import Schema
from .answer_schemas import answer_schemas
from .request_schemas import request_schemas


def schemas() -> dict[str, Schema]:
    return {**answer_schemas(), **request_schemas()}
