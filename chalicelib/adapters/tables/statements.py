"""Conditional writes of many rows: PartiQL statements, 25 in a call, each with a condition and an answer of its own.

A failed condition, a throttled partition, a transaction that holds the row or a wrong statement concerns this statement
only: DynamoDB answers 200 with an `Error` for it. What is not confirmed is repeated, after a pause, until a time limit.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ...errors import NotWritten
from ...retries import Backoff, Patience
from .. import aws
from ..clock import Clock
from .base import HELD, THROTTLED_IN_PART, is_no_answer
from .batches import BACKOFF, WRITES, Item

Value = dict[str, Any]
"""One value in the form of DynamoDB's API, with its type: `{"N": "1"}`."""

OPERATION = "BatchExecuteStatement"
CONDITION_FAILED = "ConditionalCheckFailed"
REPEATED = {*THROTTLED_IN_PART, HELD, "RequestLimitExceeded", "InternalServerError"}
"""Codes of statements that may succeed later. Source: DynamoDB API Reference, BatchStatementError."""


@dataclass(frozen=True)
class Statement:
    """An UPDATE. `text` has a `?` for each of `parameters`. `key`: the row that it writes, any hashable value."""

    text: str
    parameters: Sequence[Value]
    key: object


@dataclass(frozen=True)
class Written:
    """`item`: the row after the write, if the statement ends with RETURNING ALL NEW *."""

    item: Item


@dataclass(frozen=True)
class Refused:
    """The condition failed. `item`: the row as found; None if there is none."""

    item: Item | None


Answer = Written | Refused | Exception
"""NotWritten if the statement is not confirmed. Any other error is unexpected, and a repetition would meet it again."""


class Statements:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def execute(self, statements: Sequence[Statement], backoff: Backoff = BACKOFF) -> list[Answer]:
        """One answer for each statement, in their order.

        An unconfirmed statement is repeated, so it may meet its own write: DynamoDB refuses it then, and the caller
        recognizes the row. Errors are returned, not raised, so that no caller loses the answers of the others:
        NotWritten for what is unconfirmed at the end of the time; for a missing right, for example, the ClientError.
        """
        answers: list[Answer] = [NotWritten("the time was over before the first try")] * len(statements)
        patience = Patience(self._clock, backoff)
        waiting = list(range(len(statements)))
        while True:
            waiting = self._try_all(statements, waiting, answers, patience)
            if not waiting or patience.is_over:
                return answers
            patience.pause()

    def _try_all(
        self, statements: Sequence[Statement], waiting: list[int], answers: list[Answer], patience: Patience
    ) -> list[int]:
        """Writes into `answers`, and returns the positions of unconfirmed statements. Stops when the time is over."""
        unconfirmed: list[int] = []
        while waiting:
            chosen = _next_call(statements, waiting)
            for position, answer in zip(chosen, _call([statements[number] for number in chosen]), strict=True):
                answers[position] = answer
                if isinstance(answer, NotWritten):
                    unconfirmed.append(position)
            taken = set(chosen)
            waiting = [number for number in waiting if number not in taken]
            if patience.is_over:
                break
        return unconfirmed + waiting


def _next_call(statements: Sequence[Statement], waiting: list[int]) -> list[int]:
    """The first 25, each for another row: a batch may not write a row twice."""
    by_key: dict[object, int] = {}
    for number in waiting:
        by_key.setdefault(statements[number].key, number)
        if len(by_key) == WRITES:
            break
    return list(by_key.values())


def _call(statements: list[Statement]) -> list[Answer]:
    requests = [
        {
            "Statement": statement.text,
            "Parameters": statement.parameters,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        for statement in statements
    ]
    try:
        answer = aws.client("dynamodb").batch_execute_statement(Statements=requests)
    except (BotoCoreError, ClientError) as error:
        refusal = NotWritten(f"{OPERATION}: {error}") if is_no_answer(error) else error
        return [refusal] * len(statements)
    return [_answer_of(response) for response in answer["Responses"]]


def _answer_of(response: dict[str, Any]) -> Answer:
    error = response.get("Error")
    if error is None:
        return Written(response.get("Item", {}))
    if error["Code"] == CONDITION_FAILED:
        return Refused(error.get("Item"))
    if error["Code"] in REPEATED:
        return NotWritten(f"{error['Code']}: {error.get('Message')}")
    return ClientError({"Error": error}, OPERATION)  # type: ignore[no-untyped-call]
