"""The fakes and the real adapters (on moto) have the same contract: each test here runs on both."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import Any

import pytest
from moto import mock_aws
from moto.dynamodb.models import DynamoDBBackend

from infra.local.doubles.aws import make_services
from infra.local.doubles.fakes import FakeServices


@pytest.fixture(autouse=True)
def serial_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs transactions one by one: moto, unlike DynamoDB, does not isolate transactions of several threads."""
    lock, write = Lock(), DynamoDBBackend.transact_write_items

    def one_by_one(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        with lock:
            write(self, transact_items)

    monkeypatch.setattr(DynamoDBBackend, "transact_write_items", one_by_one)


@pytest.fixture(params=["fake", "aws"])
def services(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "fake":
        yield FakeServices()
        return
    with mock_aws():
        yield make_services()
