"""Writes and reads of many rows. Repeats what DynamoDB leaves unprocessed, after a pause, until a time limit.

If a partition is throttled, DynamoDB answers 200 and returns the rest as UnprocessedItems or UnprocessedKeys. The
batches of PynamoDB repeat them without a pause and, for writes, twice only. So the calls are made by botocore.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.models import Model

from ...errors import NotRead, NotWritten
from ...retries import Backoff, Patience
from .. import aws
from ..clock import Clock
from .base import is_no_answer, was_throttled

WRITES, READS = 25, 100
"""The most rows of one BatchWriteItem and of one BatchGetItem."""

BACKOFF = Backoff(first=0.05, longest=1.0, seconds=5.0)
"""A partition that is over its limit has new capacity in the next second. Workers begin a page with 15 seconds left, so
a page that is throttled ends within its invocation."""

R = TypeVar("R", bound=Model)
Item = dict[str, Any]
"""A row, or its key, in the form of DynamoDB's API: type and value by attribute."""


class Batches:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def put(self, model: type[Model], rows: list[Item]) -> None:
        """Write serialized rows with different keys, 25 in a call. Overwrites existing rows.

        Raises NotWritten if DynamoDB does not process all of them in time. Some of them may be written.
        """
        table = model.Meta.table_name

        def write(items: list[Item]) -> list[Item]:
            requests = [{"PutRequest": {"Item": item}} for item in items]
            answer = aws.client("dynamodb").batch_write_item(RequestItems={table: requests})
            return [request["PutRequest"]["Item"] for request in answer.get("UnprocessedItems", {}).get(table, [])]

        with _unless_unanswered(NotWritten, table):
            self._process_all(rows, WRITES, write)

    def get(self, model: type[R], keys: Iterable[Any]) -> list[R]:
        """The existing rows with these keys, 100 in a call, in no order, by consistent reads.

        A key is the value of the hash key, or a pair with that of the range key. Raises NotRead if DynamoDB does not
        return all of them in time.
        """
        return [model.from_raw_data(item) for item in self.get_items(model, keys)]

    def get_items(self, model: type[Model], keys: Iterable[Any], attributes: Sequence[str] = ()) -> list[Item]:
        """As `get`, as they come: PynamoDB takes 80 µs for a row of 60 attributes. `attributes`: none means all."""
        table = model.Meta.table_name
        found: list[Item] = []
        how = {"ConsistentRead": True, **_projection(attributes)}

        def read(items: list[Item]) -> list[Item]:
            answer = aws.client("dynamodb").batch_get_item(RequestItems={table: {"Keys": items, **how}})
            found.extend(answer["Responses"].get(table, []))
            left: list[Item] = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            return left

        with _unless_unanswered(NotRead, table):
            self._process_all([_item_key(model, key) for key in dict.fromkeys(keys)], READS, read)
        return found

    def _process_all(self, items: list[Item], size: int, process: Callable[[list[Item]], list[Item]]) -> None:
        """`process` returns the unprocessed items. They are joined with the next ones. Raises TimeoutError."""
        patience = Patience(self._clock, BACKOFF)
        while items:
            left = _unless_throttled(process, items[:size])
            items = [*left, *islice(items, size, None)]
            if not left:
                patience.repeats = 0
                continue
            if patience.is_over:
                raise TimeoutError(f"{len(items)} are unprocessed after {BACKOFF.seconds:.0f} s")
            patience.pause()


@contextmanager
def _unless_unanswered(otherwise: type[NotRead | NotWritten], table: str) -> Iterator[None]:
    """Raises `otherwise` if DynamoDB left items unprocessed, failed or did not answer. Other errors pass through."""
    try:
        yield
    except (TimeoutError, BotoCoreError, ClientError) as error:
        if not isinstance(error, TimeoutError) and not is_no_answer(error):
            raise
        raise otherwise(f"rows of {table}: {error}") from error


def _unless_throttled(process: Callable[[list[Item]], list[Item]], items: list[Item]) -> list[Item]:
    """DynamoDB refuses the call as a whole if it cannot process any of its items."""
    try:
        return process(items)
    except ClientError as error:
        if was_throttled(error):
            return items
        raise


def _projection(attributes: Sequence[str]) -> dict[str, Any]:
    """By placeholders: DynamoDB reserves many names."""
    names = {f"#{number}": name for number, name in enumerate(attributes)}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names} if names else {}


def _item_key(model: Any, key: Any) -> Item:
    hash_key, range_key = model._hash_key_attribute(), model._range_key_attribute()
    parts = [(hash_key, key)] if range_key is None else [(hash_key, key[0]), (range_key, key[1])]
    return {part.attr_name: {part.attr_type: part.serialize(value)} for part, value in parts}
