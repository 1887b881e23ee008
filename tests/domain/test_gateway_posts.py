"""The posts to several gateways as people see them: by what the outcome means, and of the last minutes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.audience import Plan
from chalicelib.domain.gateway_posts import RECENT, GatewayPosts, Post, added, by_gateway
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.outcome import Kind
from chalicelib.domain.timeline import MINUTE, Sample, course, recent_posts

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOW = NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("kinds", "meaning"),
    [
        ({Kind.ACCEPTED, Kind.DUPLICATE}, "accepted"),
        ({Kind.PERMANENT, Kind.OPTED_OUT}, "refused"),
        ({Kind.AMBIGUOUS}, "doubtful"),
        ({Kind.SENDER, Kind.CREDENTIALS, Kind.BALANCE, Kind.THROTTLED, Kind.TEMPORARY}, "failed"),
    ],
)
def test_each_kind_of_outcome_is_counted_by_what_it_means(kinds: set[Kind], meaning: str) -> None:
    assert {kind for kind in Kind if Post("a", kind, 1, NOON).meaning == meaning} == kinds


def test_posts_are_added_up_by_gateway() -> None:
    posts = [
        Post("a", Kind.ACCEPTED, 40.4, NOON),
        Post("a", Kind.TEMPORARY, 60, NOON + MINUTE),
        Post("b", Kind.AMBIGUOUS, 9000, NOON),
    ]
    found = by_gateway(posts)
    assert found == {
        "a": GatewayPosts(accepted=1, failed=1, milliseconds=100, accepted_at=NOON),
        "b": GatewayPosts(doubtful=1, milliseconds=9000),
    }
    assert found["a"].latency == 50
    both = added([found, by_gateway([Post("b", Kind.DUPLICATE, 1000, NOON)])])
    assert both["b"] == GatewayPosts(accepted=1, doubtful=1, milliseconds=10_000, accepted_at=NOON)
    assert GatewayPosts().latency is None


def points(*accepted: int) -> list[Sample]:
    """One a minute until now."""
    begin = NOW - (len(accepted) - 1) * MINUTE
    return [
        Sample(begin + number * MINUTE, by_gateway={"a": GatewayPosts(accepted=count)} if count else {})
        for number, count in enumerate(accepted)
    ]


MAILING = Mailing(1, NOON, NOW + RECENT, "text", plan=Plan("block", 10, 1, 1))


def test_recent_posts_are_those_since_the_sample_of_ten_minutes_ago() -> None:
    since, found = recent_posts(MAILING, points(100, 200, *[300] * 9, 307), NOW)
    assert (since, found) == (NOW - RECENT, {"a": GatewayPosts(accepted=107)})


def test_all_posts_of_a_mailing_that_has_just_begun_are_recent() -> None:
    mailing = replace(MAILING, datetime_start=NOW - MINUTE, by_gateway={"a": GatewayPosts(accepted=5)})
    since, found = recent_posts(mailing, course(mailing, [], NOW), NOW)
    assert (since, found) == (NOW - MINUTE, {"a": GatewayPosts(accepted=5)})


def test_the_posts_of_a_mailing_that_has_resumed_are_not_older_than_that() -> None:
    resumed = replace(MAILING, posting_since=NOW - 2 * MINUTE)
    samples = [Sample(NOON, by_gateway={"a": GatewayPosts(accepted=5)})]
    last = Sample(NOW, by_gateway={"a": GatewayPosts(accepted=8), "b": GatewayPosts(failed=1)})
    since, found = recent_posts(resumed, [*samples, last], NOW)
    assert since == NOW - 2 * MINUTE
    assert found == {"a": GatewayPosts(accepted=3), "b": GatewayPosts(failed=1)}
