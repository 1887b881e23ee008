"""The undo of a launch: a draft is either editable or has its mailing, whatever crashes, races or gets lost."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.delivery.fanout import start_mailing
from chalicelib.domain.audit_record import Author
from chalicelib.domain.draft import Draft
from chalicelib.domain.mailing import Mailing
from chalicelib.errors import NotInThisStatus, Outdated
from chalicelib.mailings.drafts import launch_draft, make_draft, undo_launch
from infra.local.doubles.world import Crash, CrashingServices, World

CLIENTS = 5


def drafted(world: World) -> Draft:
    world.clients(CLIENTS)
    return make_draft(world.services, {"message_text": ["text"]}, "anna")


def author(world: World) -> Author:
    return Author("anna", world.clock.now(), 0.5)


def launch(world: World, draft: Draft, services: Any = None) -> None:
    now = world.clock.now()
    fields: Any = {"datetime_start": now, "datetime_end": now + timedelta(hours=1), "message_text": "text"}
    launch_draft(services or world.services, draft, fields, author(world))


def draft_of(world: World) -> Draft:
    return world.services.drafts.rows[1]


def assert_either_editable_or_launched(world: World) -> None:
    launched = draft_of(world).launch
    assert set(world.services.mailings.rows) == ({launched.id} if launched else set())


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 8))
def test_a_crash_in_the_launch_leaves_the_draft_editable_or_its_mailing_on_the_way(at: int, after: bool) -> None:
    world = World()
    draft = drafted(world)
    with suppress(Crash):
        launch(world, draft, CrashingServices(world.services, at, after))
    assert_either_editable_or_launched(world)
    is_launched = draft_of(world).launch is not None
    world.run(120)
    assert len(world.services.gateway.accepted) == (CLIENTS if is_launched else 0)
    assert_either_editable_or_launched(world)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 8))
def test_a_crash_in_the_undo_leaves_the_draft_editable_or_its_mailing_on_the_way(at: int, after: bool) -> None:
    world = World()
    launch(world, drafted(world))
    with suppress(Crash):
        undo_launch(CrashingServices(world.services, at, after), 1, author(world))
    assert_either_editable_or_launched(world)
    is_launched = draft_of(world).launch is not None
    world.run(120)
    assert len(world.services.gateway.accepted) == (CLIENTS if is_launched else 0)


def test_nothing_is_sent_before_the_undo_time_is_over_and_all_within_seconds_after_it() -> None:
    world = World()
    launch(world, drafted(world))
    world.run(9)
    assert world.services.gateway.posts == []
    world.run(11)
    assert len(world.services.gateway.accepted) == CLIENTS
    assert world.services.schedules.times == {}, "a schedule fires within a minute only"


def test_a_lost_job_of_a_launch_is_made_up_for_by_the_sweep() -> None:
    world = World()
    launch(world, drafted(world))
    world.services.jobs_queue.messages.clear()
    world.run(120)
    assert len(world.services.gateway.accepted) == CLIENTS


def test_an_undone_mailing_is_never_started_by_its_job() -> None:
    world = World()
    launch(world, drafted(world))
    undo_launch(world.services, 1, author(world))
    assert world.services.jobs_queue.messages, "the queue still has the job"
    world.run(300)
    assert world.services.gateway.posts == []
    assert (draft_of(world).launch, world.services.counters.mailings) == (None, 0)


def test_an_undo_that_the_start_overtakes_is_refused_and_changes_nothing() -> None:
    world = World()
    launch(world, drafted(world))
    world.clock.forward(12)
    table: Any = world.services.mailings
    remove = table.remove

    def overtaken(*arguments: Any) -> None:
        start_mailing(world.services, 1)
        remove(*arguments)

    table.remove = overtaken
    with pytest.raises(NotInThisStatus):
        undo_launch(world.services, 1, author(world))
    assert_either_editable_or_launched(world)
    world.run(60)
    assert len(world.services.gateway.accepted) == CLIENTS


def test_a_start_that_the_undo_overtakes_sends_nothing() -> None:
    world = World()
    launch(world, drafted(world))
    world.clock.forward(12)
    table: Any = world.services.mailings
    change = table.change

    def overtaken(before: Mailing, after: Mailing, *others: Any) -> Mailing:
        undo_launch(world.services, 1, author(world))
        return change(before, after, *others)

    table.change = overtaken
    assert not start_mailing(world.services, 1)
    assert draft_of(world).launch is None
    assert world.services.mailings.rows == {}


def test_a_slow_repetition_of_the_launch_does_not_restore_what_was_undone() -> None:
    """The form was submitted twice. The second request arrives at the table when the first one is undone already."""
    world = World()
    draft = drafted(world)
    table: Any = world.services.mailings
    add = table.add

    def overtaken(*arguments: Any) -> None:
        table.add = add
        launch(world, draft)
        undo_launch(world.services, 1, author(world))
        add(*arguments)

    table.add = overtaken
    with pytest.raises(Outdated):
        launch(world, draft)
    assert_either_editable_or_launched(world)
    assert draft_of(world).launch is None


def test_an_undo_of_a_mailing_that_an_approval_holds_is_refused_once_its_clients_are_taken() -> None:
    world = World(approval_above=1)
    launch(world, drafted(world))
    undo_launch(world.services, 1, author(world))
    launch(world, draft_of(world))
    world.run(60)
    assert world.services.mailings.rows[2].status == "paused"
    with pytest.raises(NotInThisStatus):
        undo_launch(world.services, 1, author(world))
    assert world.services.gateway.posts == []
