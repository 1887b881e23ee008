"""Four eyes: with APPROVAL_ABOVE nothing is sent to more clients before a second person has approved it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest

from chalicelib.access.audit import author_of
from chalicelib.delivery.fanout import start_mailing
from chalicelib.domain.condition import Leaf
from chalicelib.domain.field_versions import Shown, version_of
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.mailing_fields import FIELD_NAMES
from chalicelib.domain.segment import Segment
from chalicelib.errors import NotAllowed, NotInThisStatus, Outdated
from chalicelib.gateways.answer import Answer
from chalicelib.mailings import lifecycle
from chalicelib.mailings.lifecycle import change_mailing, resend_mailing, resume_mailing
from chalicelib.mailings.series import announce_series
from chalicelib.representation import represent_mailing
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.world import World

ABOVE = 5


def world_of(clients: int) -> World:
    world = World(approval_above=ABOVE)
    world.clients(clients)
    return world


def announce(world: World, author: str = "anna", **fields: Any) -> int:
    now = world.clock.now().replace(microsecond=0)
    given = {"datetime_start": now, "datetime_end": now.replace(year=now.year + 1), "message_text": "text", **fields}
    return lifecycle.announce_mailing(world.services, given, author=author_of(world.services, author)).id  # type: ignore[arg-type]


def shown(mailing: Mailing) -> Shown:
    return Shown((version_of(represent_mailing(mailing), FIELD_NAMES),), FIELD_NAMES)


def approve(world: World, mailing_id: int, name: str = "vera", seen: Mailing | None = None) -> Mailing:
    author = author_of(world.services, name)  # type: ignore[arg-type]
    return lifecycle.approve_mailing(world.services, mailing_id, author, shown(seen or world.get(mailing_id)))  # type: ignore[arg-type]


def posts(world: World) -> int:
    return len(world.services.gateway.posts)


def distinct_posts(world: World) -> set[int]:
    return {post.message_id for post in world.services.gateway.posts}


def change(world: World, mailing_id: int, author: str = "anna", **fields: Any) -> Mailing:
    return change_mailing(world.services, mailing_id, fields, author_of(world.services, author))  # type: ignore[arg-type]


def test_a_mailing_to_few_goes_on_by_itself_as_soon_as_it_is_counted() -> None:
    world = world_of(ABOVE)
    mailing_id = announce(world)
    world.run(120)
    mailing = world.get(mailing_id)
    assert (mailing.status, posts(world), mailing.approval) == ("finished", ABOVE, "")
    assert mailing.counts == world.counted_rows(mailing_id)


def test_a_mailing_to_more_waits_for_a_second_person_and_is_then_sent_once() -> None:
    world = world_of(ABOVE + 1)
    mailing_id = announce(world)
    world.run(600)
    held = world.get(mailing_id)
    assert (held.status, str(held.paused_because)) == ("paused", "It waits for the approval of a second person.")
    assert (posts(world), held.counts.total) == (0, ABOVE + 1)
    with pytest.raises(NotInThisStatus, match="cannot be resumed"):
        resume_mailing(world.services, mailing_id)
    with pytest.raises(NotAllowed):
        approve(world, mailing_id, "anna")
    assert approve(world, mailing_id).approved_by == "vera"
    assert approve(world, mailing_id, "oleg").approved_by == "vera", "a repetition changes nothing"
    world.run(300)
    mailing = world.get(mailing_id)
    assert (mailing.status, posts(world)) == ("finished", ABOVE + 1)
    assert mailing.counts == world.counted_rows(mailing_id)
    audit = [(record.who, record.action) for record in world.services.audit.records]
    assert ("vera", "approved") in audit


def test_an_approval_before_the_start_lets_the_mailing_start_at_its_time() -> None:
    world = world_of(ABOVE + 1)
    now = world.clock.now().replace(microsecond=0)
    mailing_id = announce(world, datetime_start=now.replace(hour=(now.hour + 1) % 24, day=now.day + (now.hour == 23)))
    approve(world, mailing_id)
    assert world.get(mailing_id).status == "scheduled"
    world.run(4000, step=60)
    assert posts(world) == ABOVE + 1


def test_growth_of_the_audience_after_the_announcement_is_counted() -> None:
    world = world_of(1)
    mailing_id = announce(world)
    world.clients(ABOVE)
    world.run(300)
    assert (world.get(mailing_id).status, posts(world)) == ("paused", 0)


def test_the_mailings_of_a_series_wait_too_and_not_for_its_author() -> None:
    world = world_of(ABOVE + 1)
    now = world.clock.now().replace(microsecond=0)
    dates = {"datetime_start": now, "datetime_end": now.replace(hour=23, minute=59)}
    fields: Any = {**dates, "message_text": "text", "repeat": ("daily",)}
    announce_series(world.services, fields, author=author_of(world.services, "anna"))  # type: ignore[arg-type]
    world.run(600)
    [mailing_id] = world.services.mailings.rows
    assert (world.get(mailing_id).status, posts(world)) == ("paused", 0)
    with pytest.raises(NotAllowed):
        approve(world, mailing_id, "anna")
    approve(world, mailing_id)
    world.run(300)
    assert posts(world) == ABOVE + 1


def test_only_what_the_approver_has_seen_is_approved() -> None:
    world = world_of(ABOVE + 1)
    mailing_id = announce(world)
    world.run(300)
    seen = world.get(mailing_id)
    change(world, mailing_id, message_text="other")
    with pytest.raises(Outdated):
        approve(world, mailing_id, seen=seen)
    assert world.get(mailing_id).status == "paused"


CHANGES: list[dict[str, Any]] = [
    {"message_text": "other"},
    {"datetime_end": datetime(2027, 12, 1, tzinfo=UTC)},
    {"time_from": time(0), "time_to": time(23, 59)},
    {"purpose": "service", "message_text": "more"},
]


@pytest.mark.parametrize("fields", CHANGES)
def test_a_change_of_what_is_approved_withdraws_the_approval(fields: dict[str, Any]) -> None:
    world = world_of(60)
    mailing_id = announce(world, rate_limit=1)
    world.run(300)
    approve(world, mailing_id)
    world.run(20, step=1)
    before = posts(world)
    assert 0 < before < 60
    after = change(world, mailing_id, "oleg", **fields)
    assert (after.status, after.approved_by) == ("paused", None)
    with pytest.raises(NotAllowed):
        approve(world, mailing_id, "oleg")
    world.run(120)
    assert posts(world) == before
    approve(world, mailing_id)
    world.run(900)
    assert len(distinct_posts(world)) == posts(world) == 60


def test_a_change_of_the_rate_or_the_canary_withdraws_nothing() -> None:
    world = world_of(ABOVE + 1)
    mailing_id = announce(world, rate_limit=1)
    world.run(300)
    approve(world, mailing_id)
    after = change(world, mailing_id, rate_limit=None, max_cost=None)
    assert (after.status, after.approved_by) == ("running", "vera")


def test_a_segment_that_changed_after_the_approval_withdraws_it_at_the_start() -> None:
    world = world_of(ABOVE + 1)
    world.services.segments.add(Segment(1, "none", Leaf("tag", "is", "absent")))
    now = world.clock.now().replace(microsecond=0)
    mailing_id = announce(world, segment=1, datetime_start=now.replace(minute=59, second=59))
    approve(world, mailing_id)
    segment = world.services.segments.get(1)
    assert segment is not None
    everyone = Leaf("timezone", "is", "UTC")
    world.services.segments.change(segment, replace(segment, condition=everyone))
    world.clock.forward_to(now.replace(minute=59, second=59))
    start_mailing(world.services, mailing_id)  # type: ignore[arg-type]
    assert world.get(mailing_id).status == "paused"
    assert world.get(mailing_id).approved_by is None


def test_a_held_mailing_is_cancelled_paused_or_ends_without_a_post() -> None:
    world = world_of(ABOVE + 1)
    cancelled, over = announce(world), world.mailing(lasts=900)
    world.run(300)
    lifecycle.cancel_mailing(world.services, cancelled)  # type: ignore[arg-type]
    world.run(1800)
    assert (world.get(cancelled).status, world.get(cancelled).counts.cancelled) == ("cancelled", ABOVE + 1)
    assert (world.get(over).status, world.get(over).counts.expired) == ("finished", ABOVE + 1)
    assert posts(world) == 0
    now = world.clock.now().replace(microsecond=0)
    again = change(world, over, datetime_end=now.replace(year=now.year + 1))
    assert again.status == "paused", "a later end does not make it run without an approval"
    world.run(300)
    assert posts(world) == 0
    approve(world, over)
    world.run(600)
    assert posts(world) == ABOVE + 1


def test_an_approval_does_not_accept_the_errors_of_the_canary() -> None:
    world = world_of(60)
    mailing_id = announce(world, canary=10)
    world.services.gateway.answers = [Answer(400)] * 10
    world.run(300)
    approve(world, mailing_id)
    world.run(300)
    reason = world.get(mailing_id).paused_because
    assert (posts(world), reason and reason.code) == (10, "mailing.too_many_errors")
    change(world, mailing_id, message_text="another text")
    after = approve(world, mailing_id)
    assert (after.status, after.awaits_canary, after.paused_because) == ("paused", True, reason)
    world.run(300)
    assert posts(world) == 10
    resume_mailing(world.services, mailing_id)  # type: ignore[arg-type]
    world.run(600)
    assert posts(world) == 60


def test_a_resend_of_a_mailing_whose_approval_is_withdrawn_waits() -> None:
    world = world_of(ABOVE + 1)
    mailing_id = announce(world)
    world.run(300)
    approve(world, mailing_id)
    world.run(300)
    assert world.get(mailing_id).status == "finished"
    change(world, mailing_id, message_text="other")
    assert resend_mailing(world.services, mailing_id, ["failed"]).status == "paused"  # type: ignore[arg-type]


def test_a_person_who_pauses_a_mailing_while_it_is_counted_keeps_it_paused() -> None:
    world = world_of(ABOVE)
    mailing_id = announce(world)
    start_mailing(world.services, mailing_id)  # type: ignore[arg-type]
    lifecycle.pause_mailing(world.services, mailing_id)  # type: ignore[arg-type]
    world.run(300)
    assert (world.get(mailing_id).status, posts(world)) == ("paused", 0)
    resume_mailing(world.services, mailing_id)  # type: ignore[arg-type]
    world.run(300)
    assert posts(world) == ABOVE


@pytest.mark.parametrize("clients", [ABOVE, ABOVE + 1])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 16))
def test_a_crash_at_any_call_of_the_jobs_loses_no_count(clients: int, at: int, after: bool) -> None:
    world = world_of(clients)
    mailing_id = announce(world)
    for invocation in range(2, 5):
        world.crashing[invocation] = CrashingServices(world.services, at, after)
    world.run(1500)
    if clients > ABOVE:
        held = world.get(mailing_id)
        assert (held.status, held.approval, posts(world)) == ("paused", "awaited", 0)
        approve(world, mailing_id)
        world.run(1500)
    assert (world.get(mailing_id).status, len(distinct_posts(world))) == ("finished", clients)


def test_without_the_setting_nothing_waits() -> None:
    world = World()
    world.clients(ABOVE + 1)
    mailing_id = announce(world)
    start_mailing(world.services, mailing_id)  # type: ignore[arg-type]
    with pytest.raises(NotInThisStatus):
        approve(world, mailing_id)
    world.run(120)
    assert (world.get(mailing_id).status, posts(world)) == ("finished", ABOVE + 1)
