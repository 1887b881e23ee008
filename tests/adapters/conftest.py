"""The same contract for the fakes and for the real adapters (on moto): each test here runs on both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from tests.aws import make_outside
from tests.fakes import FakeOutside


@pytest.fixture(params=["fake", "aws"])
def outside(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "fake":
        yield FakeOutside()
        return
    with mock_aws():
        yield make_outside()
