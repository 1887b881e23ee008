"""The fakes and the real adapters (on moto) have the same contract: each test here runs on both."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from threading import Lock
from typing import Any

import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import DynamoDBBackend, Table, dynamodb_backends

from infra.local.doubles.aws import make_bucket, make_services_over_tables, make_tables
from infra.local.doubles.fakes import FakeServices


@pytest.fixture(autouse=True)
def serial_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs transactions one by one: moto, unlike DynamoDB, does not isolate transactions of several threads."""
    lock, write = Lock(), DynamoDBBackend.transact_write_items

    def one_by_one(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        with lock:
            write(self, transact_items)

    monkeypatch.setattr(DynamoDBBackend, "transact_write_items", one_by_one)


@pytest.fixture(scope="session")
def new_tables() -> dict[str, Table]:
    """The tables of the stack in moto, made once: each test begins with a copy, which takes a thirtieth of the time."""
    with mock_aws():
        make_tables()
        return moto_backend().tables


def moto_backend() -> DynamoDBBackend:
    backend: DynamoDBBackend = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"]
    return backend


@pytest.fixture(params=["fake", "aws"])
def services(request: pytest.FixtureRequest, new_tables: dict[str, Table]) -> Iterator[Any]:
    if request.param == "fake":
        yield FakeServices()
        return
    with mock_aws():
        moto_backend().tables = deepcopy(new_tables)
        make_bucket()
        yield make_services_over_tables()
