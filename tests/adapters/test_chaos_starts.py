"""`make chaos` loses the start that the service arranges, so that only the sweep can start the mailing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.mailings.lifecycle import announce_mailing
from infra.local.doubles.aws import make_queues, make_services_over_tables
from infra.local.in_process import State, ministack_in_process
from infra.local.stack import StackFailed
from tools.chaos.attacks import lose_the_start
from tools.chaos.experiment import Experiment
from tools.chaos.scenarios import SCENARIOS

LOSES_ITS_START = [scenario for scenario in SCENARIOS if "start lost" in scenario.name]


@pytest.fixture
def services(new_stack: State) -> Iterator[Services]:
    with ministack_in_process(new_stack):
        yield make_services_over_tables(make_queues())


def attacked(services: Services) -> Experiment:
    target: Any = SimpleNamespace(stack=SimpleNamespace(outputs={"JobsQueueUrl": services.jobs_queue.url}))
    return Experiment(target, Random(1), {"rate_limit": None})


@pytest.mark.parametrize("scenario", LOSES_ITS_START, ids=lambda scenario: scenario.name)
def test_nothing_is_left_that_would_start_the_mailing_in_time(services: Services, scenario: Any) -> None:
    start = services.clock.now() + timedelta(seconds=scenario.starts_in)
    end = start + timedelta(seconds=scenario.lasts)
    announce_mailing(services, {"datetime_start": start, "datetime_end": end, "message_text": "text"})
    assert services.jobs_queue.size() == 1
    lose_the_start(attacked(services), 0)
    assert services.jobs_queue.is_idle()


def test_a_start_that_is_not_in_the_queue_is_not_taken_for_lost(services: Services) -> None:
    with pytest.raises(StackFailed, match="nothing can be lost"):
        lose_the_start(attacked(services), 0)
