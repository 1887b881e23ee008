"""Writes and reads of many rows. Repeats what DynamoDB leaves unprocessed, after a pause, until a time limit.

If a partition is throttled, DynamoDB answers 200 and returns the rest as UnprocessedItems or UnprocessedKeys. The
batches of PynamoDB repeat them without a pause and, for writes, twice only.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Protocol, TypeVar

from pynamodb.exceptions import GetError, PutError, PynamoDBException
from pynamodb.models import Model

from ...errors import NotRead, NotWritten
from ...retries import Backoff, Patience
from ..clock import Clock
from .base import is_unanswered, was_throttled

WRITES, READS = 25, 100
"""The most rows of one BatchWriteItem and of one BatchGetItem."""

BACKOFF = Backoff(first=0.05, longest=1.0, seconds=5.0)
"""A partition that is over its limit has new capacity in the next second. Workers begin a page with 15 seconds left, so
a page that is throttled ends within its invocation."""

R = TypeVar("R", bound=Model)
Item = dict[str, Any]
"""A row, or its key, in the form of DynamoDB's API: type and value by attribute."""


class Serializable(Protocol):
    def serialize(self) -> Item: ...


class Batches:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def put(self, model: type[Model], rows: Iterable[Serializable]) -> None:
        """Write rows with different keys, 25 in a call. Overwrites existing rows.

        Raises NotWritten if DynamoDB does not process all of them in time. Some of them may be written.
        """

        def write(items: list[Item]) -> list[Item]:
            answer = model._get_connection().batch_write_item(put_items=items)
            left = answer.get("UnprocessedItems", {}).get(model.Meta.table_name, [])
            return [request["PutRequest"]["Item"] for request in left]

        try:
            self._process_all([row.serialize() for row in rows], WRITES, write)
        except TimeoutError as error:
            raise NotWritten(f"rows of {model.Meta.table_name}: {error}") from error
        except PutError as error:
            if is_unanswered(error):
                raise NotWritten(f"rows of {model.Meta.table_name}") from error
            raise

    def get(self, model: type[R], keys: Iterable[Any]) -> list[R]:
        """The existing rows with these keys, 100 in a call, in no order, by consistent reads.

        A key is the value of the hash key, or a pair with that of the range key. Raises NotRead if DynamoDB does not
        return all of them in time.
        """
        found: list[R] = []

        def read(items: list[Item]) -> list[Item]:
            connection: Any = model._get_connection()
            answer = connection.batch_get_item(items, consistent_read=True)
            found.extend(model.from_raw_data(item) for item in answer["Responses"].get(model.Meta.table_name, []))
            left: list[Item] = answer.get("UnprocessedKeys", {}).get(model.Meta.table_name, {}).get("Keys", [])
            return left

        try:
            self._process_all([_item_key(model, key) for key in dict.fromkeys(keys)], READS, read)
        except TimeoutError as error:
            raise NotRead(f"rows of {model.Meta.table_name}: {error}") from error
        except GetError as error:
            if is_unanswered(error):
                raise NotRead(f"rows of {model.Meta.table_name}") from error
            raise
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


def _unless_throttled(process: Callable[[list[Item]], list[Item]], items: list[Item]) -> list[Item]:
    """DynamoDB refuses the call as a whole if it cannot process any of its items."""
    try:
        return process(items)
    except PynamoDBException as error:
        if was_throttled(error):
            return items
        raise


def _item_key(model: Any, key: Any) -> Item:
    hash_key, range_key = model._hash_key_attribute(), model._range_key_attribute()
    if range_key is None:
        return {hash_key.attr_name: hash_key.serialize(key)}
    return {hash_key.attr_name: hash_key.serialize(key[0]), range_key.attr_name: range_key.serialize(key[1])}
