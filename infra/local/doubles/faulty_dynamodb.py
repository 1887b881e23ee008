"""Faults of DynamoDB between the adapters and an emulator, which does not have them: throttled parts, refused
calls, lost answers.

Each fault is registered at the client of this process and removed at the end of its block.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ConnectionClosedError

from chalicelib.adapters import aws

PARTS = {"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}
"""The part of the answer with what was not processed, by operation."""


class Throttling:
    """Processes a part of each batch only, in the next `calls` batches. `seen` counts the batches."""

    def __init__(self, operation: str, processed: int, calls: int) -> None:
        self.operation = operation
        self.processed = processed
        self.calls = calls
        self.seen = 0

    def cut(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        self.seen += 1
        if self.seen > self.calls:
            return
        [(table, asked)] = params["RequestItems"].items()
        entries = asked if self.operation == "BatchWriteItem" else asked["Keys"]
        now, left = entries[: self.processed], entries[self.processed :]
        if not left:
            return
        context["left"] = {table: _like(asked, left)}
        params["RequestItems"] = {table: _like(asked, now)}

    def answer(self, parsed: dict[str, Any], context: Mapping[str, Any], **_: Any) -> None:
        parsed[PARTS[self.operation]] = context.get("left", {})


@contextmanager
def throttled(operation: str, processed: int, calls: int = 10**9) -> Iterator[Throttling]:
    """DynamoDB processes the first `processed` (at least 1) items of each batch, and returns the rest."""
    fault = Throttling(operation, processed, calls)
    before, after = f"before-parameter-build.dynamodb.{operation}", f"after-call.dynamodb.{operation}"
    with _registered(before, fault.cut), _registered(after, fault.answer):
        yield fault


@contextmanager
def refused(operation: str, code: str) -> Iterator[None]:
    """Every call gets this error. The retries of botocore are over."""

    def refuse(**_: Any) -> tuple[Any, dict[str, Any]]:
        return SimpleNamespace(status_code=400), {"Error": {"Code": code, "Message": code}}

    with _registered(f"before-call.dynamodb.{operation}", refuse):
        yield


@contextmanager
def lost_answers(operation: str, number: int = 1) -> Iterator[list[dict[str, Any]]]:
    """The first `number` calls take effect, and their connections end without an answer. Botocore may repeat them.

    The list has the body of each request.
    """
    requests: list[dict[str, Any]] = []

    def lose(request: Any, event_name: str, **_: Any) -> None:
        if not event_name.endswith(f".dynamodb.{operation}"):
            return
        requests.append(json.loads(request.body))
        if len(requests) <= number:
            raise ConnectionClosedError(endpoint_url=request.url)

    with _registered("before-send", lose):  # handlers of a longer name would come before the emulator's
        yield requests


@contextmanager
def recorded(operation: str) -> Iterator[list[Mapping[str, Any]]]:
    """The parameters of each call."""
    calls: list[Mapping[str, Any]] = []

    def record(params: Mapping[str, Any], **_: Any) -> None:
        calls.append(params)

    with _registered(f"before-parameter-build.dynamodb.{operation}", record):
        yield calls


@contextmanager
def _registered(event: str, handler: Any) -> Iterator[None]:
    """At the end of the handlers, so that an emulator has carried out the call."""
    events = aws.client("dynamodb").meta.events
    events.register_last(event, handler)
    try:
        yield
    finally:
        events.unregister(event, handler)


def _like(asked: Any, entries: list[Any]) -> Any:
    return entries if isinstance(asked, list) else {**asked, "Keys": entries}
