"""Transactions that hold their items, over an emulator, and other processes that write during a call or a pause.

An emulator carries out a transaction at once, so that no write ever meets one. Source of the answers: Amazon DynamoDB
Developer Guide, "Amazon DynamoDB Transactions: How it works", "Transaction conflict handling".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from chalicelib.adapters import aws

from .fake_clock import FakeClock
from .faulty_dynamodb import add_refused_statements, leave_out_statements

TEMPLATE = Path(__file__).parents[2] / "stack.json"
CONFLICT = "TransactionConflict"
STATEMENTS = "BatchExecuteStatement"
Item = tuple[str, str]


class GaveUp(Exception):
    """The other process would have to pause."""


class BusyClock(FakeClock):
    """While time passes, `act` runs every `period` seconds, as another process does. Its jitter is random by a seed.

    What `act` does takes no time: the process that waits for its own call would otherwise wait for it too. If it would
    have to pause, it gives up until the next period.
    """

    def __init__(self, seed: int = 1) -> None:
        super().__init__()
        self._random = Random(seed)
        self._act: Callable[[], object] | None = None
        self._next_at = self.time
        self._period = timedelta()
        self.is_acting = False

    def jitter(self) -> float:
        return self._random.random()

    def begin_acting(self, act: Callable[[], object], period: float) -> None:
        self._act, self._next_at, self._period = act, self.time, timedelta(seconds=period)

    def end_acting(self) -> None:
        self._act = None

    def sleep(self, seconds: float) -> None:
        if self.is_acting:
            raise GaveUp
        super().sleep(seconds)

    def forward(self, seconds: float) -> None:
        until = self.time + timedelta(seconds=seconds)
        while self._act is not None and self._next_at <= until and not self.is_acting:
            self.time = max(self.time, self._next_at)
            self.is_acting = True
            with suppress(GaveUp):
                self._act()
            self.is_acting = False
            self._next_at += self._period
        self.time = max(self.time, until)


class HeldItems:
    """Holds the items of each transaction for some seconds. A write that meets them is refused as by DynamoDB.

    `call_seconds`: how long each call takes. `calls` has the operation and the body of every call; `conflicts` counts
    the refused ones.
    """

    def __init__(self, clock: BusyClock, seconds: float = 0.03, call_seconds: float = 0.005) -> None:
        self.clock = clock
        self.seconds = seconds
        self.call_seconds = call_seconds
        self.conflicts = 0
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._held: dict[Item, datetime] = {}
        self._throttled = 0

    @contextmanager
    def installed(self) -> Iterator[HeldItems]:
        events = aws.client("dynamodb").meta.events
        hooks = [("before-call.dynamodb", self._before_call), ("after-call.dynamodb", add_refused_statements)]
        for hook in hooks:
            events.register(*hook)
        try:
            yield self
        finally:
            for hook in hooks:
                events.unregister(*hook)

    def hold(self, table: str, key: dict[str, Any], seconds: float | None = None) -> None:
        """As a transaction of another process does."""
        self._held[_name(table, key)] = self.clock.now() + timedelta(seconds=seconds or self.seconds)

    def throttle(self, number: int) -> None:
        """Refuse the next `number` transactions, because a partition of one of their items is throttled."""
        self._throttled = number

    def _before_call(
        self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any
    ) -> tuple[Any, dict[str, Any]] | None:
        body = json.loads(params["body"])
        if not self.clock.is_acting:
            self.clock.forward(self.call_seconds)
        self.calls.append((model.name, body))
        if model.name == STATEMENTS:
            return leave_out_statements(params, context, self._held_statements(body["Statements"]))
        items = _items(model.name, body)
        reasons = [CONFLICT if self._is_held(item) else "None" for item in items]
        if model.name == "TransactWriteItems" and self._throttled:
            self._throttled -= 1
            reasons[0] = "ThrottlingError"
        if set(reasons) - {"None"}:
            self.conflicts += 1
            return SimpleNamespace(status_code=400), _refusal(model.name, reasons)
        if model.name == "TransactWriteItems":
            self._held |= dict.fromkeys(items, self.clock.now() + timedelta(seconds=self.seconds))
        return None

    def _is_held(self, item: Item) -> bool:
        return self._held.get(item, self.clock.now()) > self.clock.now()

    def _held_statements(self, statements: list[dict[str, Any]]) -> dict[int, str]:
        """Only the statements on held items are refused. Returns their codes by their positions."""
        items = [_item_of(statement) for statement in statements]
        held = {number: CONFLICT for number, item in enumerate(items) if self._is_held(item)}
        self.conflicts += len(held)
        return held


def _refusal(operation: str, reasons: list[str]) -> dict[str, Any]:
    if operation != "TransactWriteItems":
        return {"Error": {"Code": f"{CONFLICT}Exception", "Message": "Transaction is ongoing for the item"}}
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(reasons)}]"
    return {
        "Error": {"Code": "TransactionCanceledException", "Message": message},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }


def _items(operation: str, body: dict[str, Any]) -> list[Item]:
    """The items that an operation writes."""
    if operation in ("PutItem", "UpdateItem", "DeleteItem"):
        return [_name(body["TableName"], body.get("Key") or body["Item"])]
    if operation == "TransactWriteItems":
        writes = [write for item in body["TransactItems"] for write in item.values()]
        return [_name(write["TableName"], write.get("Key") or write["Item"]) for write in writes]
    return []


def _item_of(statement: dict[str, Any]) -> Item:
    """The item of a statement whose condition has the key: `UPDATE "table" SET .. WHERE "key" = ? AND .."""
    text = statement["Statement"]
    [table] = re.findall(r'^UPDATE "([^"]+)"', text)
    names = re.findall(r'(?:WHERE|AND) "(\w+)"', text)
    values = statement["Parameters"][text.partition(" WHERE ")[0].count("?") :]
    return _name(table, dict(zip(names, values, strict=True)))


def _name(table: str, values: dict[str, Any]) -> Item:
    keys = _keys()[table.partition("-")[2]]
    return table, json.dumps([values[key] for key in keys])


@cache
def _keys() -> dict[str, list[str]]:
    """The key attributes of each table."""
    tables = [one["Properties"] for one in json.loads(TEMPLATE.read_text())["Resources"].values() if _is_table(one)]
    return {
        table["TableName"]["Fn::Sub"].removeprefix("${AWS::StackName}-"): [
            key["AttributeName"] for key in table["KeySchema"]
        ]
        for table in tables
    }


def _is_table(resource: dict[str, Any]) -> bool:
    return resource.get("Type") == "AWS::DynamoDB::Table"
