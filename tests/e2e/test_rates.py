"""Rate limits on the real stack, measured at the gateway."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalicelib.domain.rate import BURST
from infra.local.arrivals import arrivals, most_in_a_second
from infra.local.simulator import Simulator

from .conftest import Call
from .test_mailing import CLIENTS, announce, tag

__all__ = ["tag"]
Finished = Callable[..., dict[str, Any]]


def test_no_second_has_more_posts_than_the_limit_and_its_burst(
    call: Call, tag: str, simulator: Simulator, finished: Finished
) -> None:
    mailing_id = announce(call, tag, rate_limit="10")
    assert finished(mailing_id)["messages"]["sent"] == CLIENTS
    assert simulator.seen.summary()["repeated"] == 0
    assert most_in_a_second(arrivals(simulator.seen)) <= 10 * (1 + BURST) + 1


def test_a_raised_limit_applies_to_waiting_messages(
    call: Call, tag: str, simulator: Simulator, finished: Finished
) -> None:
    mailing_id = announce(call, tag, rate_limit="1")
    while not simulator.seen.requests:
        assert call("GET", f"/Mailing/{mailing_id}/").status_code == 200
    assert call("PATCH", f"/Mailing/{mailing_id}/", json={"rate_limit": 100}).json()["rate_limit"] == 100
    assert finished(mailing_id, seconds=25)["messages"]["sent"] == CLIENTS, "at one a second it would take longer"
    assert simulator.seen.summary()["repeated"] == 0
