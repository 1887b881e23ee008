"""Count what AWS charges for, in botocore, from each request and its answer, for all clients.

An emulator's ConsumedCapacity is not AWS's, so DynamoDB's rules are applied here: partition.py has them, with their
sources.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from threading import Lock
from typing import Any

from botocore import handlers

from chalicelib.adapters import aws
from infra.local.doubles.aws import STACK_NAME, TEMPLATE, forget_connections
from infra.local.doubles.partition import Item, read_units, size_of, write_units

from .aws_calls import MADE_BY_LAMBDA

CONDITION_FAILED = "ConditionalCheckFailed"

QUEUE_CHUNK = 65_536
"""SQS charges each 64 KB of a request as one: https://aws.amazon.com/sqs/pricing/"""


class Meter:
    """`calls` by operation, without retries; `units` are the charged units that follow from these calls.

    `dynamodb`: a client whose calls are not counted.
    """

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.calls: Counter[str] = Counter()
        self.units: Counter[str] = Counter()
        self._indexes = _index_keys()
        self._lock = Lock()

    def note(self, operation: str, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        if operation in MADE_BY_LAMBDA:
            return
        count = getattr(self, f"_{operation}", None)
        with self._lock:
            self.calls[operation] += 1
            if count is not None:
                count(sent, answer)

    def _UpdateItem(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        """Charged by the item's size after the update, which never shrinks it; at least one unit if refused."""
        self._write(sent["TableName"], answer.get("Attributes", sent["Key"]), _named(sent))

    def _PutItem(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        self._write(sent["TableName"], sent["Item"], set(sent["Item"]))

    def _BatchWriteItem(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        for table, requests in sent["RequestItems"].items():
            for request in requests:
                self._write(table, request["PutRequest"]["Item"], set(request["PutRequest"]["Item"]))

    def _BatchExecuteStatement(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        """Each statement is charged as a single write, also if its condition fails, but not if it is throttled.

        An answer without its item is of a row below 1 KB: those of messages are.
        """
        for request, response in zip(sent["Statements"], answer.get("Responses", []), strict=False):
            error = response.get("Error", {})
            if error.get("Code", CONDITION_FAILED) == CONDITION_FAILED:
                table, sets = re.findall(r'^UPDATE "([^"]+)" SET (.+) WHERE ', request["Statement"])[0]
                item = response.get("Item") or error.get("Item") or {}
                self._write(table, item, set(re.findall(r'(?:^| SET )"(\w+)"', sets)))

    def _TransactWriteItems(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        """Twice the units. An update does not show its item; items are below 1 KB except mailings with a long text."""
        for action in sent["TransactItems"]:
            [(kind, item)] = action.items()
            values = item["Item"] if kind == "Put" else item["Key"]
            self._write(item["TableName"], values, set(values) | _named(item), times=2)

    def _GetItem(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        self._read(size_of(answer.get("Item", {})), sent.get("ConsistentRead", False))

    def _BatchGetItem(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        """Each item is rounded up by itself, and a missing item is charged as well."""
        for table, request in sent["RequestItems"].items():
            found = answer.get("Responses", {}).get(table, [])
            missing: list[Item] = [{}] * (len(request["Keys"]) - len(found))
            for item in [*found, *missing]:
                self._read(size_of(item), request.get("ConsistentRead", False))

    def _Query(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        """The sum of all items is rounded up. The queries have no filter, so all read items are returned.

        A choice of attributes saves no units. Source: Amazon DynamoDB Developer Guide, "Using projection expressions".
        """
        items = self._complete_items(sent) if "ProjectionExpression" in sent else answer.get("Items", [])
        self._read(sum(map(size_of, items)), sent.get("ConsistentRead", False))

    def _complete_items(self, sent: Mapping[str, Any]) -> list[Item]:
        names = sent["ExpressionAttributeNames"]
        used = {alias: names[alias] for alias in re.findall(r"#\w+", sent["KeyConditionExpression"])}
        chosen = ("ProjectionExpression", "ExpressionAttributeNames")
        rest = {name: value for name, value in sent.items() if name not in chosen}
        items: list[Item] = self._dynamodb.query(**rest, ExpressionAttributeNames=used)["Items"]
        return items

    def _SendMessageBatch(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        payload = sum(len(entry["MessageBody"].encode()) for entry in sent["Entries"])
        self.units["queue_requests"] += max(1, ceil(payload / QUEUE_CHUNK))

    def _ChangeMessageVisibilityBatch(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        self.units["queue_requests"] += 1

    def _CreateSchedule(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        """The call is free; the single invocation is charged."""
        self.units["schedules"] += 1

    def _write(self, table: str, item: Item, named: set[str], times: int = 1) -> None:
        """Also one unit for each index whose key is written; entries of indexes are below 1 KB."""
        indexes = sum(bool(keys & named) for keys in self._indexes.get(table, []))
        self.units["writes"] += write_units(size_of(item), times) + times * indexes

    def _read(self, size: int, consistent: bool) -> None:
        self.units["reads"] += read_units(size, consistent)  # type: ignore[assignment]


def _named(request: Mapping[str, Any]) -> set[str]:
    """The attributes that an update writes."""
    names = request.get("ExpressionAttributeNames", {})
    return {names[alias] for alias in re.findall(r"#\w+", request.get("UpdateExpression", ""))}


def _index_keys() -> dict[str, list[set[str]]]:
    """By table, the key attributes of each index without those of the table's key."""
    found = {}
    for resource in json.loads(TEMPLATE.read_text())["Resources"].values():
        if resource.get("Type") == "AWS::DynamoDB::Table":
            properties = resource["Properties"]
            name = properties["TableName"]["Fn::Sub"].replace("${AWS::StackName}", STACK_NAME)
            own = {key["AttributeName"] for key in properties["KeySchema"]}
            found[name] = [
                {key["AttributeName"] for key in index["KeySchema"]} - own
                for index in properties.get("GlobalSecondaryIndexes", [])
            ]
    return found


@contextmanager
def metered() -> Iterator[Meter]:
    """Meter all clients that are created in this block."""
    forget_connections()
    meter = Meter(aws.client("dynamodb"))

    def sent(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["sent"] = params

    def answered(model: Any, parsed: Mapping[str, Any], context: Mapping[str, Any], **_: Any) -> None:
        meter.note(model.name, context["sent"], parsed)

    hooks = [("before-parameter-build", sent), ("after-call", answered)]
    forget_connections()
    handlers.BUILTIN_HANDLERS.extend(hooks)
    try:
        yield meter
    finally:
        for hook in hooks:
            handlers.BUILTIN_HANDLERS.remove(hook)
        forget_connections()
