"""What all tables share: their name's prefix, the client of DynamoDB, transactions, and what a failed condition is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pynamodb.connection import Connection
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from ...errors import Conflict, RowChanged
from .. import aws


class SharedConnection(Connection):
    """PynamoDB would make each table a client, with a session and connections of its own: 55 ms of a core for each."""

    @property
    def client(self) -> Any:
        return aws.client("dynamodb")


def place(model: type[Model], stack_name: str, table: str) -> None:
    """Give the model its table in this stack: when a bundle is made, so that an import needs no settings."""
    model.Meta.table_name = f"{stack_name}-{table}"
    of_table = model._get_connection()
    shared = SharedConnection()
    shared.add_meta_table(of_table.get_meta_table())
    of_table.connection = shared


def transaction() -> TransactWrite:
    return TransactWrite(connection=SharedConnection())


def set_all(model: type[Model], values: Mapping[str, Any]) -> list[Action]:
    """None removes the attribute."""
    return [
        getattr(model, name).set(value) if value is not None else getattr(model, name).remove()
        for name, value in values.items()
    ]


@contextmanager
def conflicts(
    by_position: Mapping[int, type[Conflict]] | None = None, otherwise: type[Conflict] = RowChanged
) -> Iterator[None]:
    """A write refused because of another one raises the Conflict of the write it was, or `otherwise`.

    Positions in a transaction are as DynamoDB sees them: deletes, then puts, then updates. Anything else
    (no access, throttled for long, no answer) is a real error and passes through.
    """
    try:
        yield
    except PynamoDBException as error:
        for position, conflict in (by_position or {}).items():
            if isinstance(error, TransactWriteError) and _reason(error, position) == "ConditionalCheckFailed":
                raise conflict from error
        if lost_race(error):
            raise otherwise from error
        raise


def lost_race(error: PynamoDBException) -> bool:
    """Refused by its condition, or by a transaction that had hold of the same row."""
    if isinstance(error, TransactWriteError):
        codes = {_reason(error, position) for position in range(len(error.cancellation_reasons))}
        return bool(codes & {"ConditionalCheckFailed", "TransactionConflict"})
    return error.cause_response_code in ("ConditionalCheckFailedException", "TransactionConflictException")


def _reason(error: TransactWriteError, position: int) -> str | None:
    reasons = error.cancellation_reasons
    reason = reasons[position] if position < len(reasons) else None
    return reason.code if reason is not None else None
