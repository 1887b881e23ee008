"""The fakes and the real adapters (on MiniStack, without a server) have the same contract: each test runs on both.

What sends messages needs MiniStack: moto does not understand the statements that claim and settle.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import Any

import pytest
from moto.dynamodb.models import DynamoDBBackend

from infra.local.doubles.aws import make_bucket, make_phone_key, make_services_over_tables, make_tables
from infra.local.doubles.fakes import FakeServices
from infra.local.in_process import State, ministack_in_process, saved_state


@pytest.fixture(autouse=True)
def serial_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs transactions one by one: moto, unlike DynamoDB, does not isolate transactions of several threads."""
    lock, write = Lock(), DynamoDBBackend.transact_write_items

    def one_by_one(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        with lock:
            write(self, transact_items)

    monkeypatch.setattr(DynamoDBBackend, "transact_write_items", one_by_one)


@pytest.fixture(scope="session")
def new_stack() -> State:
    """The tables, the bucket and the key of phones in MiniStack, made once; each test begins with a copy."""
    with ministack_in_process():
        make_tables()
        make_bucket()
        make_phone_key()
        return saved_state()


@pytest.fixture(params=["fake", "aws"])
def services(request: pytest.FixtureRequest, new_stack: State) -> Iterator[Any]:
    if request.param == "fake":
        yield FakeServices()
        return
    with ministack_in_process(new_stack):
        yield make_services_over_tables()
