"""Before a deploy the account's concurrency is named, and a warm throughput is raised to what AWS accepts."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from infra.deploy import ROOT
from infra.deploy.capacity import concurrency_notes, event_sources, warm_parameters

TEMPLATE = json.loads((ROOT / "infra" / "stack.json").read_text())


class Functions:
    """Lambda with the limits of an account. Source: Lambda API Reference, GetAccountSettings."""

    def __init__(self, limit: int, reserved: int = 0) -> None:
        self.limit = limit
        self.reserved = reserved

    def get_account_settings(self) -> dict[str, Any]:
        unreserved = self.limit - self.reserved
        return {"AccountLimit": {"ConcurrentExecutions": self.limit, "UnreservedConcurrentExecutions": unreserved}}


class Tables:
    """DynamoDB with the warm throughput of its tables by their names. Source: DynamoDB API Reference, DescribeTable."""

    class exceptions:  # noqa: N801
        class ResourceNotFoundException(Exception): ...

    def __init__(self, **warm: dict[str, int]) -> None:
        self.warm = {f"notifications-prod-{name}": throughput for name, throughput in warm.items()}

    def describe_table(self, TableName: str) -> dict[str, Any]:  # noqa: N803
        if TableName not in self.warm:
            raise self.exceptions.ResourceNotFoundException
        return {"Table": {"TableName": TableName, "WarmThroughput": {"Status": "ACTIVE", **self.warm[TableName]}}}


def warm_of(values: dict[str, str], **tables: dict[str, int]) -> dict[str, str]:
    return warm_parameters(Tables(**tables), "notifications-prod", values)


def test_each_queue_that_wakes_a_function_is_named() -> None:
    assert set(event_sources(TEMPLATE)) == {"RunJobs", "SendMessages", "ImportClients", "SettleReceipts"}


def test_an_ordinary_account_has_room_for_everything() -> None:
    (note,) = concurrency_notes(Functions(1000), TEMPLATE, {"SenderConcurrency": "50"}, 0)
    assert "runs 1000 invocations" in note
    assert "RunJobs 100" in note
    assert "SendMessages 50" in note
    assert note.endswith("all else: 844")


def test_a_new_account_is_told_what_it_allows_and_what_to_set() -> None:
    _, warning = concurrency_notes(Functions(10), TEMPLATE, {}, 0)
    assert warning.startswith("WARNING")
    assert "SENDER_CONCURRENCY and JOBS_CONCURRENCY, for example to 2" in warning
    assert "Service Quotas" in warning
    note, *_ = concurrency_notes(Functions(10), TEMPLATE, {"SenderConcurrency": "2", "JobsConcurrency": "2"}, 0)
    assert note.endswith("all else: 0")


def test_reserved_senders_take_nothing_from_the_others() -> None:
    values = {"SenderConcurrency": "200", "SenderReserved": "200"}
    (first,) = concurrency_notes(Functions(1000), TEMPLATE, values, before=0)
    (again,) = concurrency_notes(Functions(1000, reserved=200), TEMPLATE, values, before=200)
    assert first == again
    assert first.endswith("all else: 694")


def test_a_reserve_for_fewer_senders_than_may_run_is_warned_of() -> None:
    """Lambda reads messages for all senders that may run, and is refused those above the reserve."""
    _, warning = concurrency_notes(Functions(1000), TEMPLATE, {"SenderReserved": "2"}, 0)
    assert warning.startswith("WARNING: SENDER_RESERVED=2 is less than SENDER_CONCURRENCY=4")
    assert len(concurrency_notes(Functions(1000), TEMPLATE, {"SenderReserved": "4"}, 0)) == 1


def test_an_account_that_may_not_be_read_is_only_noted() -> None:
    class Refused(Functions):
        def get_account_settings(self) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetAccountSettings")

    (note,) = concurrency_notes(Refused(0), TEMPLATE, {}, 0)
    assert "could not be read" in note


def test_no_warm_throughput_is_asked_for_unless_a_person_does() -> None:
    grown = {"WriteUnitsPerSecond": 60_000, "ReadUnitsPerSecond": 12_000}
    assert warm_of({}, messages=grown) == warm_of({"WarmWrites": "0", "WarmReads": "0"}, messages=grown) == {}


@pytest.mark.parametrize(
    ("asked", "has", "result"),
    [
        (40_000, None, 40_000),
        (40_000, 4_000, 40_000),
        (40_000, 60_000, 60_000),
        (100, None, 4_000),
        (100, 4_000, 4_000),
    ],
    ids=["a new stack", "a new table", "a table that has grown", "below the floor", "below the floor again"],
)
def test_a_warm_throughput_is_never_below_the_floor_and_never_lowered(asked: int, has: int | None, result: int) -> None:
    tables = {} if has is None else {"messages": {"WriteUnitsPerSecond": has, "ReadUnitsPerSecond": 12_000}}
    assert warm_of({"WarmWrites": str(asked)}, **tables) == {"WarmWrites": str(result)}


def test_reads_are_those_of_the_table_of_clients() -> None:
    clients = {"WriteUnitsPerSecond": 4_000, "ReadUnitsPerSecond": 30_000}
    assert warm_of({"WarmReads": "20000"}, clients=clients) == {"WarmReads": "30000"}


def test_an_emulator_that_knows_no_warm_throughput_changes_nothing() -> None:
    with mock_aws():
        tables = boto3.client("dynamodb")
        assert warm_parameters(tables, "notifications-prod", {"WarmWrites": "40000"}) == {"WarmWrites": "40000"}
