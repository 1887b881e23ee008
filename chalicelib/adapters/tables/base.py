"""Shared by all tables: names in this stack, one DynamoDB client, its retries, transactions, failed conditions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from secrets import token_hex
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import Attribute, NumberAttribute
from pynamodb.connection import Connection
from pynamodb.constants import NULL, STRING
from pynamodb.exceptions import PynamoDBException, TransactWriteError, VerboseClientError
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from ...domain.counts import COUNT_NAMES
from ...errors import Conflict, NotRead, NotWritten, RowChanged
from ...retries import Pauses, retry
from ...texts import AS_WRITTEN, Text, read_stored
from .. import aws


class SharedConnection(Connection):
    """One client for all tables. PynamoDB makes a client, session and connections for each: 55 ms of processor time.

    Repeats a write that was refused for a moment, see `is_refused_for_a_moment`. Nothing else repeats it.

    Raises NotRead or NotWritten if DynamoDB is throttled for long, fails or does not answer.

    A refused condition returns the row that refused it, so that a writer recognizes its own: botocore repeats a write
    whose answer is lost, and a condition then fails on the success of the first try.
    """

    def __init__(self, clock: Pauses) -> None:
        super().__init__()
        self._clock = clock

    @property
    def client(self) -> Any:
        return aws.client("dynamodb")

    def dispatch(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        """A repeated call gets new arguments: botocore adds a token to them that names one transaction.

        Nothing reads the consumed capacity, which PynamoDB asks for unless told otherwise.
        """
        if operation_name != "DescribeTable":  # it consumes none, and knows no such parameter
            operation_kwargs["ReturnConsumedCapacity"] = "NONE"
        if operation_name in ("UpdateItem", "PutItem") and "ConditionExpression" in operation_kwargs:
            operation_kwargs["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        call = super().dispatch
        try:
            return retry(self._clock, lambda: call(operation_name, {**operation_kwargs}), is_refused_for_a_moment)
        except (BotoCoreError, ClientError) as error:
            if not is_no_answer(error):
                raise
            raise (NotRead if operation_name in READS else NotWritten)(f"{operation_name}: {error}") from error


def new_claim() -> str:
    """A value of `claimed_by` that no other writer has."""
    return token_hex(4)


def write_claim(row: Model, by: str, write: Callable[[], Any]) -> None:
    """Carry out a conditional write of `row` that sets its attribute `claimed_by` to `by`.

    If the condition fails because an earlier try of the same write took effect, the row is as after the write, and
    nothing is raised.
    """
    try:
        write()
    except PynamoDBException as error:
        found = refused_by(error)
        if found is None or found.get("claimed_by") != {"S": by}:
            raise
        row.deserialize(found)


def refused_by(error: PynamoDBException) -> dict[str, Any] | None:
    """The row, in the form of DynamoDB's API, whose condition failed; None for another error, or without a row."""
    if code_of(error) != "ConditionalCheckFailedException":
        return None
    answer: dict[str, Any] = getattr(error.cause and error.cause.__cause__, "response", {})
    return answer.get("Item") or None


class TextAttribute(Attribute[Text]):
    """A Text as JSON of its code and parts. Any other string is an English text that an earlier version wrote."""

    attr_type = STRING

    def serialize(self, value: Text) -> str:
        return json.dumps(value.stored, ensure_ascii=False, separators=(",", ":"))

    def deserialize(self, value: str) -> Text:
        return read_stored(json.loads(value)) if value.startswith('{"code":') else Text(AS_WRITTEN, text=value)


CountsRow: Any = type("CountsRow", (), {name: NumberAttribute(default=0) for name in COUNT_NAMES})
"""The part of a row that holds a mailing's counts, or the totals over mailings."""


def bind_table(model: type[Model], stack_name: str, clock: Pauses) -> None:
    """Bind the model to its table of this stack. Called when services are made, so that an import needs no settings.

    The class names its table without the stack; the full name begins with it. `clock` makes the pauses of retries.
    """
    model.Meta.table_name = f"{stack_name}-{_own_table_name(model)}"
    connection = model._get_connection()
    shared = SharedConnection(clock)
    shared.add_meta_table(connection.get_meta_table())
    connection.connection = shared


@cache
def _own_table_name(model: type[Model]) -> str:
    """As the class says it; remembered, because binding replaces it."""
    return str(model.Meta.table_name)


def values_in(model: type[Model], item: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The values of a row as DynamoDB returns it, without those that are null, by attribute.

    An instance of the model takes three times as long.
    """
    attributes, values = model.get_attributes(), {}
    for name, typed in item.items():
        [(kind, content)] = typed.items()
        if kind != NULL and name in attributes:
            values[name] = attributes[name].deserialize(content)
    return values


def transaction(model: type[Model]) -> TransactWrite:
    """A transaction that is written through the connection of `model`. It may write rows of other tables too."""
    return TransactWrite(connection=model._get_connection().connection)


def set_actions(model: type[Model], values: Mapping[str, Any]) -> list[Action]:
    """An action for each attribute. A value of None removes the attribute."""
    return [
        getattr(model, name).set(value) if value is not None else getattr(model, name).remove()
        for name, value in values.items()
    ]


HELD = "TransactionConflict"
THROTTLED = {"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"}
THROTTLED_IN_PART = {"ProvisionedThroughputExceeded", "ThrottlingError"}
FAILED = {"InternalServerError", "InternalFailure", "ServiceUnavailable", "500", "502", "503", "504"}
IN_PROGRESS = "TransactionInProgressException"
"""An earlier try of this transaction, whose answer is lost, has not ended."""

READS = {"GetItem", "Query", "Scan"}


@contextmanager
def conflicts(
    by_position: Mapping[int, type[Conflict]] | None = None, otherwise: type[Conflict] = RowChanged
) -> Iterator[None]:
    """Raise a Conflict if a write in the block lost a race against another writer.

    `by_position`: the Conflict for a failed condition, by the position of its write in the transaction. DynamoDB
    receives deletes, then puts, then updates. `otherwise`: the Conflict for any other lost race, also if transactions
    held the row in every try. Raises NotWritten if a transaction is cancelled because one of its rows is throttled.
    Other errors (no access) pass through.
    """
    try:
        yield
    except PynamoDBException as error:
        for position, conflict in (by_position or {}).items():
            if isinstance(error, TransactWriteError) and _reason(error, position) == "ConditionalCheckFailed":
                raise conflict from error
        if lost_race(error):
            raise otherwise from error
        if isinstance(error, TransactWriteError) and _reasons(error) & THROTTLED_IN_PART:
            raise NotWritten(str(error)) from error
        raise


def code_of(error: PynamoDBException) -> str | None:
    """The code of DynamoDB's answer; None without an answer, where PynamoDB's `cause_response_code` raises."""
    answer = getattr(error.cause, "response", None) or {}
    code: str | None = answer.get("Error", {}).get("Code")
    return code


def lost_race(error: PynamoDBException) -> bool:
    """True if the condition of a write failed, or transactions held its row in every try."""
    if isinstance(error, TransactWriteError):
        return bool(_reasons(error) & {"ConditionalCheckFailed", HELD})
    return code_of(error) in ("ConditionalCheckFailedException", f"{HELD}Exception")


def is_refused_for_a_moment(error: Exception) -> bool:
    """True if a transaction held a row of the write, or the write is a transaction and was throttled.

    Nothing was written, and botocore repeats neither. A condition that fails is not repeated. Source: DynamoDB API
    Reference, TransactWriteItems.
    """
    if not isinstance(error, VerboseClientError):
        return False
    code = error.response["Error"].get("Code")
    if code == "TransactionCanceledException":
        reasons = {reason.code for reason in error.cancellation_reasons if reason is not None}
        return bool(reasons) and reasons <= {HELD, *THROTTLED_IN_PART}
    return bool(code == f"{HELD}Exception")


def was_throttled(error: ClientError) -> bool:
    """True if DynamoDB refused the whole call because a limit is reached: nothing was read or written."""
    return error.response["Error"].get("Code") in THROTTLED


def is_no_answer(error: Exception) -> bool:
    """True if DynamoDB refused the whole call because a limit is reached, failed, or did not answer."""
    if not isinstance(error, ClientError):
        return aws.is_momentary(error)
    return error.response["Error"].get("Code") in {*THROTTLED, *FAILED, IN_PROGRESS}


def _reasons(error: TransactWriteError) -> set[str | None]:
    return {_reason(error, position) for position in range(len(error.cancellation_reasons))}


def _reason(error: TransactWriteError, position: int) -> str | None:
    reasons = error.cancellation_reasons
    reason = reasons[position] if position < len(reasons) else None
    return reason.code if reason is not None else None
