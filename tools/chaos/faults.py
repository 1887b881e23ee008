"""The faults of the proxy between the Lambdas and AWS, and what they make of one call."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

STATEMENTS = "BatchExecuteStatement"
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", STATEMENTS}
SENDS = {"SendMessage", "SendMessageBatch"}
BATCHES = {"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}
THROTTLED = 400, "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
FAILED = 500, "com.amazonaws.dynamodb.v20120810#InternalServerError"

Tables = dict[str, Any]
"""RequestItems of a batch, by table: a list of requests, or an object with Keys."""


@dataclass(frozen=True)
class Faults:
    """`throttle` and `fail` are parts of all writes, from 0 to 1, and `lose` of all writes and sends.

    `throttle_parts`: each item or statement of a batch is throttled with this probability; the others are written or
    read. A lost call takes effect, and its connection is closed without an answer. `delay` is in seconds, of the calls
    in `delayed`.
    `is_killed(port, after)` is asked before and after each call, with the port of the Lambda's end of the connection.
    It returns True if it has killed the Lambda.
    """

    throttle: float = 0.0
    fail: float = 0.0
    throttle_parts: float = 0.0
    lose: float = 0.0
    duplicate: bool = False
    delay: float = 0.0
    delayed: tuple[str, ...] = ()
    is_killed: Callable[[int, bool], bool] | None = None

    def refusal(self, operation: str) -> tuple[int, str] | None:
        """Status and type of the error, if the call is refused as a whole."""
        if operation not in WRITES:
            return None
        chance = random.random()  # noqa: S311
        if chance >= self.throttle + self.fail:
            return None
        return THROTTLED if chance < self.throttle else FAILED

    def loses(self, operation: str) -> bool:
        return operation in WRITES | SENDS and random.random() < self.lose  # noqa: S311


def split_batch(body: bytes, throttled: Callable[[], bool]) -> tuple[bytes, Tables]:
    """Returns the body of a batch without its throttled items, and these items, as RequestItems.

    All items throttled: the body has no RequestItems, and AWS answers with an error for the whole batch.
    """
    request = json.loads(body)
    passed: Tables = {}
    unprocessed: Tables = {}
    for table, items in request["RequestItems"].items():
        kept: list[Any] = []
        left: list[Any] = []
        for item in items["Keys"] if isinstance(items, dict) else items:
            (left if throttled() else kept).append(item)
        for found, chosen in ((passed, kept), (unprocessed, left)):
            if chosen:
                found[table] = {**items, "Keys": chosen} if isinstance(items, dict) else chosen
    return json.dumps({**request, "RequestItems": passed}).encode(), unprocessed


def with_unprocessed(answer: bytes, operation: str, unprocessed: Tables) -> bytes:
    """Add the throttled items to those that the answer returns already."""
    name = BATCHES[operation]
    described = json.loads(answer)
    merged: Tables = described.get(name) or {}
    for table, items in unprocessed.items():
        if table not in merged:
            merged[table] = items
        elif isinstance(items, dict):
            merged[table]["Keys"] += items["Keys"]
        else:
            merged[table] += items
    return json.dumps({**described, name: merged}).encode()


def split_statements(body: bytes, throttled: Callable[[], bool]) -> tuple[bytes, list[int]]:
    """Returns the body of a BatchExecuteStatement without its throttled statements, and their positions."""
    request = json.loads(body)
    refused = [number for number in range(len(request["Statements"])) if throttled()]
    left = [one for number, one in enumerate(request["Statements"]) if number not in refused]
    return json.dumps({**request, "Statements": left}).encode(), refused


def with_refused(answer: bytes, refused: list[int]) -> bytes:
    """Add an error for each throttled statement, in its position."""
    described = json.loads(answer)
    for number in refused:
        error = {"Code": "ThrottlingError", "Message": "injected fault"}
        described["Responses"].insert(number, {"Error": error})
    return json.dumps(described).encode()
