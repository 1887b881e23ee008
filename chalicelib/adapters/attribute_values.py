"""Rows in answers of DynamoDB, without botocore's work for each value.

A value in the JSON of an answer, {"S": "text"}, is also its form in botocore's result, unless it is binary. Botocore
looks for each of the ten types in each value: most of the processor time of a read.
"""

from __future__ import annotations

from typing import Any

from botocore.parsers import JSONParser, ResponseParserFactory

Value = dict[str, Any]
"""One of DynamoDB's typed values. Its only key is the type."""


class RowParser(JSONParser):
    def _handle_map(self, shape: Any, value: dict[str, Any]) -> Any:
        if shape.value.name != "AttributeValue" or any(map(has_binary, value.values())):
            return super()._handle_map(shape, value)  # type: ignore[no-untyped-call]
        return value


class RowParsers(ResponseParserFactory):
    """Passed to a session of botocore as its component `response_parser_factory`."""

    def create_parser(self, protocol_name: str) -> Any:
        if protocol_name != "json":
            return super().create_parser(protocol_name)  # type: ignore[no-untyped-call]
        return RowParser(**self._defaults)  # type: ignore[no-untyped-call]


def has_binary(value: Value) -> bool:
    """Whether the value, or one in its list or map, is binary. Botocore decodes such values."""
    [(kind, content)] = value.items()
    if kind == "L":
        return any(map(has_binary, content))
    if kind == "M":
        return any(map(has_binary, content.values()))
    return kind in ("B", "BS")
