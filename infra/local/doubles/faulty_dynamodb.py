"""Faults of DynamoDB between the adapters and an emulator, which does not have them: throttled parts, refused
calls, lost answers.

Each fault is registered at the client of this process and removed at the end of its block.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
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
def refused_statements(code: str, refuses: Callable[[int], bool], calls: int = 1) -> Iterator[list[int]]:
    """In the next `calls` BatchExecuteStatement, the statements at chosen positions are refused with this code.

    `refuses` is asked with the position of a statement in its call. The list has the number of statements of each call.
    """
    sizes: list[int] = []

    def cut(params: dict[str, Any], context: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
        size = len(json.loads(params["body"])["Statements"])
        sizes.append(size)
        refused = [number for number in range(size) if len(sizes) <= calls and refuses(number)]
        return leave_out_statements(params, context, dict.fromkeys(refused, code))

    event = "dynamodb.BatchExecuteStatement"
    with _registered(f"before-call.{event}", cut), _registered(f"after-call.{event}", add_refused_statements):
        yield sizes


def leave_out_statements(
    params: dict[str, Any], context: dict[str, Any], refused: Mapping[int, str]
) -> tuple[Any, dict[str, Any]] | None:
    """A handler of before-call: the statements at these positions are not carried out. `refused` has their codes."""
    body = json.loads(params["body"])
    left = [one for number, one in enumerate(body["Statements"]) if number not in refused]
    params["body"] = json.dumps({**body, "Statements": left}).encode()
    context["refused"] = refused
    return None if left else (SimpleNamespace(status_code=200), {"Responses": []})


def add_refused_statements(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """A handler of after-call: as in DynamoDB's answer, each has its Error beside the results of the others."""
    for number, code in sorted(context.pop("refused", {}).items()):
        parsed["Responses"].insert(number, {"Error": {"Code": code, "Message": code}})


@contextmanager
def refused(operation: str, code: str, table: str = "") -> Iterator[None]:
    """Every call, or every one that names this table, gets this error. The retries of botocore are over."""

    def refuse(params: Mapping[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
        if table.encode() not in params["body"]:
            return None
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
