"""Shared by all tables: names in this stack, one DynamoDB client, transactions and the errors of failed conditions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from pynamodb.attributes import Attribute, NumberAttribute
from pynamodb.connection import Connection
from pynamodb.constants import STRING
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from ...domain.mailing import COUNT_NAMES
from ...errors import Conflict, NotRead, NotWritten, RowChanged
from ...texts import AS_WRITTEN, Text, read_stored
from .. import aws


class SharedConnection(Connection):
    """One client for all tables. PynamoDB makes a client, session and connections for each: 55 ms of processor time."""

    @property
    def client(self) -> Any:
        return aws.client("dynamodb")


class TextAttribute(Attribute[Text]):
    """A Text as JSON of its code and parts. Any other string is an English text that an earlier version wrote."""

    attr_type = STRING

    def serialize(self, value: Text) -> str:
        return json.dumps(value.stored, ensure_ascii=False, separators=(",", ":"))

    def deserialize(self, value: str) -> Text:
        return read_stored(json.loads(value)) if value.startswith('{"code":') else Text(AS_WRITTEN, text=value)


CountsRow: Any = type("CountsRow", (), {name: NumberAttribute(default=0) for name in COUNT_NAMES})
"""The part of a row that holds a mailing's counts, or the totals over mailings."""


def bind_table(model: type[Model], stack_name: str) -> None:
    """Bind the model to its table of this stack. Called when services are made, so that an import needs no settings.

    The class names its table without the stack; the full name begins with it.
    """
    model.Meta.table_name = f"{stack_name}-{_own_table_name(model)}"
    connection = model._get_connection()
    shared = SharedConnection()
    shared.add_meta_table(connection.get_meta_table())
    connection.connection = shared


@cache
def _own_table_name(model: type[Model]) -> str:
    """As the class says it; remembered, because binding replaces it."""
    return str(model.Meta.table_name)


def transaction() -> TransactWrite:
    return TransactWrite(connection=SharedConnection())


def set_actions(model: type[Model], values: Mapping[str, Any]) -> list[Action]:
    """An action for each attribute. A value of None removes the attribute."""
    return [
        getattr(model, name).set(value) if value is not None else getattr(model, name).remove()
        for name, value in values.items()
    ]


@contextmanager
def conflicts(
    by_position: Mapping[int, type[Conflict]] | None = None, otherwise: type[Conflict] = RowChanged
) -> Iterator[None]:
    """Raise a Conflict if a write in the block lost a race against another writer.

    `by_position`: the Conflict for a failed condition, by the position of its write in the transaction. DynamoDB
    receives deletes, then puts, then updates. `otherwise`: the Conflict for any other lost race. Raises NotWritten if
    DynamoDB is throttled for long, fails or does not answer. Other errors (no access) pass through.
    """
    try:
        yield
    except PynamoDBException as error:
        for position, conflict in (by_position or {}).items():
            if isinstance(error, TransactWriteError) and _reason(error, position) == "ConditionalCheckFailed":
                raise conflict from error
        if lost_race(error):
            raise otherwise from error
        if was_throttled(error) or is_unanswered(error):
            raise NotWritten(str(error)) from error
        raise


def lost_race(error: PynamoDBException) -> bool:
    """True if the condition of a write failed, or a transaction held its row."""
    if isinstance(error, TransactWriteError):
        codes = {_reason(error, position) for position in range(len(error.cancellation_reasons))}
        return bool(codes & {"ConditionalCheckFailed", "TransactionConflict"})
    return error.cause_response_code in ("ConditionalCheckFailedException", "TransactionConflictException")


THROTTLED = {"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"}
THROTTLED_IN_PART = {"ProvisionedThroughputExceeded", "ThrottlingError"}
FAILED = {"InternalServerError", "InternalFailure", "ServiceUnavailable", "500", "502", "503", "504"}


def was_throttled(error: PynamoDBException) -> bool:
    """True if DynamoDB refused the whole call because a limit is reached: nothing was read or written."""
    if isinstance(error, TransactWriteError):
        return any(_reason(error, number) in THROTTLED_IN_PART for number in range(len(error.cancellation_reasons)))
    return error.cause_response_code in THROTTLED


def is_unanswered(error: PynamoDBException) -> bool:
    """True if DynamoDB failed or did not answer: a write may or may not have happened."""
    code = error.cause_response_code
    return error.cause is not None and (code is None or code in FAILED)


@contextmanager
def reads(what: str) -> Iterator[None]:
    """Raise NotRead if DynamoDB is throttled, fails or does not answer in the block. Other errors pass through."""
    try:
        yield
    except PynamoDBException as error:
        if was_throttled(error) or is_unanswered(error):
            raise NotRead(what) from error
        raise


def _reason(error: TransactWriteError, position: int) -> str | None:
    reasons = error.cancellation_reasons
    reason = reasons[position] if position < len(reasons) else None
    return reason.code if reason is not None else None
