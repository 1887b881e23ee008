"""With local hours: no message is posted outside the client's local hours, and no message is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.clients.registry import change_client
from chalicelib.delivery.dead_letters import read_job
from chalicelib.delivery.local_hours import release, release_shard
from chalicelib.delivery.queueing import PAGE
from chalicelib.domain.counts import Counts
from chalicelib.domain.jobs import ReleaseShard
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import change_mailing, pause_mailing, resume_mailing
from chalicelib.mailings.waves import present_waves
from chalicelib.zones import zone
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.fake_queues import FakeSchedules
from infra.local.doubles.world import World
from tests.depth import crash_points

DAY = 24 * 3600
BY_DAY: dict[str, Any] = {"time_from": time(9), "time_to": time(21)}
MOSCOW, KAMCHATKA, KOLKATA = "Europe/Moscow", "Asia/Kamchatka", "Asia/Kolkata"
OPENING_IN_KAMCHATKA = datetime(2026, 11, 23, 21, tzinfo=UTC)


def world_with(**zones: int) -> World:
    """Noon in UTC: 15:00 in Moscow, 17:30 in Kolkata, midnight in Kamchatka. `zones`: the number of clients in each."""
    world = World()
    for name, number in zones.items():
        world.clients(number, timezone={"moscow": MOSCOW, "kamchatka": KAMCHATKA, "kolkata": KOLKATA}[name])
    return world


def assert_posts_within_hours(world: World) -> None:
    for post in world.services.gateway.posts:
        client = world.services.clients.rows[post.message_id % 10**10]
        assert time(9) <= post.at.astimezone(zone(client.timezone)).time() < time(21), (post, client)


def waves(world: World, mailing_id: int) -> list[tuple[str, int, int, int]]:
    """Of each wave: its name, and how many messages are planned, sent and waiting."""
    shown = [one.wave for one in present_waves(world.services, world.get(mailing_id))]
    return [(wave.name, wave.planned, wave.sent, wave.waiting) for wave in shown]


def times(world: World) -> list[datetime]:
    return sorted({post.at for post in world.services.gateway.posts})


def test_clients_within_their_hours_are_reached_at_once_and_the_others_when_their_hours_open() -> None:
    world = world_with(moscow=7, kamchatka=5, kolkata=3)
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.run(600)
    assert world.get(mailing_id).counts == Counts(total=15, sent=10)
    assert world.services.schedules.releases == {(mailing_id, OPENING_IN_KAMCHATKA)}, (
        "one schedule for all messages that wait for it"
    )
    world.run(DAY / 2, step=30)
    assert world.get(mailing_id).counts == Counts(total=15, sent=15)
    assert world.get(mailing_id).status == "finished"
    assert times(world)[-1] == OPENING_IN_KAMCHATKA
    assert_posts_within_hours(world)


def test_messages_outside_their_hours_cause_no_repeated_rounds() -> None:
    world = world_with(moscow=3, kamchatka=3)
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.run(8 * 3600, step=30)
    assert world.get(mailing_id).counts.queued == 3
    assert world.get(mailing_id).rounds <= 3
    assert world.services.send_queue.messages == {}


def test_the_sweep_replaces_a_lost_schedule_within_two_minutes() -> None:
    world = world_with(kamchatka=5)
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.run(600)
    world.services.schedules.releases.clear()
    world.run(DAY / 2, step=30)
    assert world.get(mailing_id).counts.sent == 5
    assert (times(world)[0] - OPENING_IN_KAMCHATKA).total_seconds() <= 120


def test_a_later_end_reaches_the_clients_that_wait_also_if_its_process_dies_at_any_call() -> None:
    for at in crash_points():
        world = world_with(moscow=2, kamchatka=4)
        mailing_id = world.mailing(lasts=6 * 3600, **BY_DAY)
        world.run(600)
        assert world.get(mailing_id).awaits_hours, "local hours in Kamchatka open after the end"
        end = world.clock.now() + timedelta(days=5)
        crashing = CrashingServices(world.services, at)
        world.crashing[world.invocations] = crashing
        has_ended = world.invoke(
            lambda services, mailing_id=mailing_id, end=end: change_mailing(services, mailing_id, {"datetime_end": end})
        )
        if world.get(mailing_id).datetime_end == end:
            world.run(DAY / 2, step=30)
            assert world.get(mailing_id).counts == Counts(total=6, sent=6), at
            assert world.get(mailing_id).rounds <= 3
            assert_posts_within_hours(world)
        if has_ended:
            return


def test_a_message_whose_window_does_not_open_before_the_end_expires() -> None:
    world = world_with(moscow=2, kamchatka=4)
    mailing_id = world.mailing(lasts=6 * 3600, **BY_DAY)
    world.run(7 * 3600, step=30)
    assert world.get(mailing_id).counts == Counts(total=6, sent=2, expired=4)
    assert world.get(mailing_id).status == "finished"
    assert world.services.schedules.releases == set(), "no schedule is made for a moment after the end"


@pytest.mark.parametrize("limits", [BY_DAY, {"rate_limit": 1}])
@pytest.mark.parametrize("end", [datetime.min, datetime(1, 1, 1, 5)])
def test_a_mailing_ends_also_if_its_end_becomes_a_date_that_means_none(end: datetime, limits: dict[str, Any]) -> None:
    world = world_with(kamchatka=20)
    world.clients(20, timezone="America/Los_Angeles")
    mailing_id = world.mailing(lasts=DAY, **limits)
    world.run(10)
    change_mailing(world.services, mailing_id, {"datetime_end": end.replace(tzinfo=UTC)})
    world.run(600)
    counts = world.get(mailing_id).counts
    assert (world.get(mailing_id).status, counts.queued) == ("finished", 0)
    assert counts.expired > 0


def test_a_mailing_with_local_hours_whose_start_is_a_date_that_means_none_is_sent_and_has_its_waves() -> None:
    world = world_with(kamchatka=5)
    world.clients(3, timezone="America/Los_Angeles")
    dates = {"datetime_start": datetime.min.replace(tzinfo=UTC), "datetime_end": datetime(2026, 11, 25, tzinfo=UTC)}
    mailing_id = world.mailing(**dates, **BY_DAY)
    world.run(DAY, step=30)
    assert world.get(mailing_id).counts == Counts(total=8, sent=8)
    assert world.get(mailing_id).status == "finished"
    assert [one.wave.sent for one in present_waves(world.services, world.get(mailing_id))] == [5, 3]
    assert_posts_within_hours(world)


def test_an_end_moved_behind_the_opening_lets_the_messages_be_sent() -> None:
    world = world_with(moscow=2, kamchatka=4)
    mailing_id = world.mailing(lasts=6 * 3600, **BY_DAY)
    world.run(3600, step=30)
    change_mailing(world.services, mailing_id, {"datetime_end": OPENING_IN_KAMCHATKA.replace(hour=22)})
    world.run(DAY / 2, step=30)
    assert world.get(mailing_id).counts == Counts(total=6, sent=6)
    assert_posts_within_hours(world)


def test_a_backlog_that_leaves_its_local_hours_continues_at_the_next_opening() -> None:
    world = world_with(moscow=8)
    world.services.gateway.default_answer = Answer(500)
    mailing_id = world.mailing(lasts=2 * DAY, **BY_DAY)
    world.run(7 * 3600, step=60)  # until 22:00 in Moscow
    assert world.get(mailing_id).counts.queued == 8
    assert world.services.send_queue.messages == {}
    world.services.gateway.default_answer = world.services.gateway.OK
    world.run(DAY, step=60)
    assert world.get(mailing_id).counts.sent == 8
    accepted = [post for post in world.services.gateway.posts if post.at.hour == 6]
    assert len(accepted) == 8, "at 09:00 in Moscow"
    assert_posts_within_hours(world)


def test_an_attempt_that_fails_shortly_before_the_closing_is_not_repeated_outside_the_hours() -> None:
    world = world_with(moscow=1)
    mailing_id = world.mailing(starts_in=6 * 3600 - 2, lasts=DAY, **BY_DAY)
    world.services.gateway.answers = [Answer(429, "", "60")]
    world.run(DAY, step=1)
    assert [f"{post.at:%H:%M:%S}" for post in world.services.gateway.posts] == ["17:59:58", "06:00:00"]
    assert world.get(mailing_id).counts.sent == 1


def test_messages_wait_in_the_queue_for_an_opening_within_a_quarter_of_an_hour() -> None:
    world = world_with(kamchatka=3)
    world.clock.forward(9 * 3600 - 600)
    world.mailing(lasts=DAY, **BY_DAY)
    world.run(1200, step=1)
    assert (times(world)[0] - OPENING_IN_KAMCHATKA).total_seconds() <= 2
    assert world.services.schedules.releases == set()


def test_a_client_moved_to_a_time_zone_within_the_hours_is_reached_at_once() -> None:
    world = world_with(kamchatka=2)
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.run(600)
    change_client(world.services, 1, {"timezone": MOSCOW})
    world.run(60)
    assert [row.status for row in world.services.messages.rows.values()] == ["sent", "queued"]
    world.run(DAY / 2, step=30)
    assert world.get(mailing_id).counts.sent == 2
    assert_posts_within_hours(world)


def test_a_client_moved_to_a_time_zone_outside_the_hours_waits_for_the_opening() -> None:
    world = world_with(moscow=2)
    mailing_id = world.mailing(lasts=2 * DAY, **BY_DAY)
    world.do_jobs()
    change_client(world.services, 1, {"timezone": KAMCHATKA})
    world.run(DAY, step=30)
    assert world.get(mailing_id).counts.sent == 2
    assert times(world)[-1] == OPENING_IN_KAMCHATKA
    assert waves(world, mailing_id) == [("UTC+12:00", 1, 1, 0), ("UTC+03:00", 1, 1, 0)]


@pytest.mark.parametrize("after", [False, True])
def test_a_client_that_moves_during_a_pause_is_reached_within_its_new_hours_after_the_resume(after: bool) -> None:
    """The job that follows the move may die at any call, and is repeated."""
    for at in crash_points():
        world = world_with(kamchatka=2)
        mailing_id = world.mailing(lasts=6 * 3600, **BY_DAY)
        world.run(60)
        pause_mailing(world.services, mailing_id)
        world.run(60)
        change_client(world.services, 1, {"timezone": MOSCOW})
        crashing = world.crashing[world.invocations] = CrashingServices(world.services, at, after)
        world.run(300)
        resume_mailing(world.services, mailing_id)
        world.run(120)
        assert world.get(mailing_id).counts == Counts(total=2, sent=1)
        assert_posts_within_hours(world)
        assert waves(world, mailing_id) == [("UTC+12:00", 1, 0, 1), ("UTC+03:00", 1, 1, 0)]
        if not crashing.is_dead:
            break


def test_a_client_that_leaves_its_hours_during_a_pause_waits_for_the_opening_after_the_resume() -> None:
    world = world_with(moscow=2)
    mailing_id = world.mailing(lasts=2 * DAY, **BY_DAY)
    world.do_jobs()
    pause_mailing(world.services, mailing_id)
    change_client(world.services, 1, {"timezone": KAMCHATKA})
    world.run(300)
    resume_mailing(world.services, mailing_id)
    world.run(DAY, step=30)
    assert world.get(mailing_id).counts.sent == 2
    assert times(world)[-1] == OPENING_IN_KAMCHATKA


def test_hours_can_be_changed_removed_and_added_while_the_mailing_runs() -> None:
    world = world_with(moscow=2, kamchatka=2, kolkata=2)
    mailing_id = world.mailing(lasts=DAY, time_from=time(20), time_to=time(21))
    world.run(600)
    assert world.services.gateway.posts == []
    change_mailing(world.services, mailing_id, {"time_from": time(17)})
    world.run(120)
    assert world.get(mailing_id).counts.sent == 2, "17:30 in Kolkata"
    change_mailing(world.services, mailing_id, {"time_from": None, "time_to": None})
    world.run(120)
    assert world.get(mailing_id).counts.sent == 6
    assert world.get(mailing_id).status == "finished"


def test_hours_added_while_the_mailing_runs_apply_to_queued_messages() -> None:
    world = world_with(moscow=2, kamchatka=2)
    mailing_id = world.mailing(lasts=DAY)
    world.do_jobs()
    change_mailing(world.services, mailing_id, {**BY_DAY})
    world.run(DAY / 2, step=30)
    assert world.get(mailing_id).counts.sent == 4
    assert_posts_within_hours(world)


def test_an_opening_during_a_pause_is_not_missed() -> None:
    world = world_with(kamchatka=3)
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.run(600)
    pause_mailing(world.services, mailing_id)
    world.run(10 * 3600, step=60)
    assert world.services.gateway.posts == []
    resume_mailing(world.services, mailing_id)
    world.run(120)
    assert world.get(mailing_id).counts.sent == 3


def test_a_release_that_runs_out_of_time_goes_on_where_it_stood() -> None:
    """A turn that began anew would queue the same messages again, and never reach the last ones of a large shard."""
    world = World()
    world.clients(2 * PAGE + 1, timezone=KAMCHATKA)
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.do_jobs()
    world.clock.forward_to(OPENING_IN_KAMCHATKA)
    assert release(world.services, mailing_id, OPENING_IN_KAMCHATKA)
    queued = []
    while deliveries := world.services.jobs_queue.receive(1):
        turn = iter([60.0, 0.0])
        job = read_job(world.services, deliveries[0].body, ReleaseShard)
        assert job is not None
        is_done = release_shard(world.services, job, lambda turn=turn: next(turn, 0.0))
        queued.append(world.services.send_queue.size())
        handle = deliveries[0].receipt_handle
        if is_done:
            world.services.jobs_queue.delete([handle])
        else:
            world.services.jobs_queue.give_back({handle: 0})
    assert queued == [PAGE, 2 * PAGE, 2 * PAGE + 1]


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("victim", range(6))
def test_a_crash_at_any_call_loses_no_message(victim: int, after: bool) -> None:
    """The invocations: start, slice, the batch within the local hours; then, after the next opening, the release, its
    job and the second batch.
    """
    for at in crash_points():
        world = world_with(moscow=3, kamchatka=3)
        world.clock.forward(
            9 * 3600 - 1000
        )  # more than a quarter of an hour before the opening; Moscow is outside its hours
        mailing_id = world.mailing(lasts=3 * DAY, **BY_DAY)
        crashing = world.crashing[victim] = CrashingServices(world.services, at, after)
        world.run(DAY, step=40)
        assert world.get(mailing_id).counts == world.counted_rows(mailing_id) == Counts(total=6, sent=6)
        repeats = sum(world.services.gateway.accepted.values()) - 6
        assert repeats <= int(crashing.is_dead)
        assert_posts_within_hours(world)
        if not crashing.is_dead:
            break


class CountedSchedules(FakeSchedules):
    """`set_calls`: the moments of all calls that set a release."""

    def __init__(self) -> None:
        super().__init__()
        self.set_calls: list[datetime] = []

    def set_release(self, mailing_id: int, opens_at: datetime) -> None:
        super().set_release(mailing_id, opens_at)
        self.set_calls.append(opens_at)


def test_a_round_schedules_a_release_once_however_many_pages_wait_for_it() -> None:
    """A schedule takes a call of tens of milliseconds, and a mailing in all of Russia has eleven for each page."""
    world = World()
    world.clients(2 * PAGE + 1, timezone=KAMCHATKA)
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.do_jobs()
    pause_mailing(world.services, mailing_id)
    schedules = world.services.schedules = CountedSchedules()
    resume_mailing(world.services, mailing_id)
    world.do_jobs()
    assert schedules.set_calls == [OPENING_IN_KAMCHATKA]
    assert world.get(mailing_id).releases == {OPENING_IN_KAMCHATKA}
