"""Counting what AWS charges for, where every client makes its calls: in botocore, from each request and its answer.

An emulator's ConsumedCapacity is not AWS's, so DynamoDB's own rules are applied here:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html (units) and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html (an item's size).
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

from infra.local.doubles.aws import STACK_NAME, TEMPLATE, forget_connections

from .aws_calls import MADE_BY_LAMBDA

WRITTEN, READ = 1024, 4096
QUEUE_CHUNK = 65_536
"""SQS charges each 64 KB of a request as one: https://aws.amazon.com/sqs/pricing/"""

Values = Mapping[str, Mapping[str, Any]]


class Meter:
    """`calls` by operation, retries not included; `units` what they cost, as far as it is known from the calls."""

    def __init__(self) -> None:
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
        """Charged by the item after it (ours only grow by it); refused by its condition, as one unit at the least."""
        self._write(sent["TableName"], answer.get("Attributes", sent["Key"]), _named(sent))

    def _PutItem(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        self._write(sent["TableName"], sent["Item"], set(sent["Item"]))

    def _BatchWriteItem(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        for table, requests in sent["RequestItems"].items():
            for request in requests:
                self._write(table, request["PutRequest"]["Item"], set(request["PutRequest"]["Item"]))

    def _TransactWriteItems(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        """Twice the units. Of an update the item is not seen: ours are below 1 KB but for a mailing's long text."""
        for one in sent["TransactItems"]:
            [(kind, item)] = one.items()
            values = item["Item"] if kind == "Put" else item["Key"]
            self._write(item["TableName"], values, set(values) | _named(item), times=2)

    def _GetItem(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        self._read(size_of(answer.get("Item", {})), sent.get("ConsistentRead", False))

    def _BatchGetItem(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        """Each item is rounded up by itself, and one that is not there is charged as well."""
        for table, asked in sent["RequestItems"].items():
            found = answer.get("Responses", {}).get(table, [])
            missing: list[Values] = [{}] * (len(asked["Keys"]) - len(found))
            for item in [*found, *missing]:
                self._read(size_of(item), asked.get("ConsistentRead", False))

    def _Query(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        """Rounded up as a whole. Ours have no filter here, so what was read is what came back."""
        self._read(sum(size_of(item) for item in answer.get("Items", [])), sent.get("ConsistentRead", False))

    def _SendMessageBatch(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        payload = sum(len(entry["MessageBody"].encode()) for entry in sent["Entries"])
        self.units["queue_requests"] += max(1, ceil(payload / QUEUE_CHUNK))

    def _ChangeMessageVisibilityBatch(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        self.units["queue_requests"] += 1

    def _CreateSchedule(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        """The call is free; that it fires, once, is not."""
        self.units["schedules"] += 1

    def _write(self, table: str, item: Values, named: set[str], times: int = 1) -> None:
        """And one unit for each index of which a key is written: their entries are below 1 KB."""
        indexes = sum(bool(keys & named) for keys in self._indexes.get(table, []))
        self.units["writes"] += times * (max(1, ceil(size_of(item) / WRITTEN)) + indexes)

    def _read(self, size: int, consistent: bool) -> None:
        self.units["reads"] += max(1, ceil(size / READ)) * (1 if consistent else 0.5)  # type: ignore[assignment]


def size_of(item: Values) -> int:
    """Bytes, as DynamoDB measures an item."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "N":
            return len(content.replace(".", "").replace("-", "").strip("0")) // 2 + 2
        case "S":
            return len(content.encode())
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _size(one) for one in content)
        case "NS":
            return sum(_size({"N": one}) for one in content)
    raise ValueError(f"no item of ours has a {kind}")


def _named(request: Mapping[str, Any]) -> set[str]:
    """Attributes that an update writes."""
    names = request.get("ExpressionAttributeNames", {})
    return {names[one] for one in re.findall(r"#\w+", request.get("UpdateExpression", ""))}


def _index_keys() -> dict[str, list[set[str]]]:
    """By table: the attributes that make each of its indexes' keys, without the table's own."""
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
    """What all clients whose session is made in this block cost."""
    meter = Meter()

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
