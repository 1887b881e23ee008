"""Series: each start makes one mailing, after crashes, double triggers and outages too, only while it would send."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.delivery import series as making
from chalicelib.delivery.sweep import sweep
from chalicelib.domain.audit_record import AuditRecord
from chalicelib.domain.jobs import Job
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.series import Series
from chalicelib.errors import RowChanged, TryAgain
from chalicelib.mailings.lifecycle import cancel_mailing, delete_mailing
from chalicelib.mailings.series import change_series, end_series, pause_series, resume_series, skip_day
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.fake_queues import FakeQueue
from infra.local.doubles.fake_series import FakeSeries
from infra.local.doubles.world import World
from tests.depth import crash_points

HOUR = 3600
DAY = 24 * HOUR
CLIENTS = 3


def world_at(*moment: int) -> World:
    world = World()
    world.clients(CLIENTS)
    world.clock.time = datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type]
    return world


def run(world: World, hours: float) -> None:
    """In steps of five minutes. The sweep runs once in each."""
    world.run(hours * HOUR, step=300)


def made(world: World) -> list[Mailing]:
    return sorted(world.services.mailings.rows.values(), key=lambda mailing: mailing.datetime_start)


def starts(world: World) -> list[str]:
    return [f"{mailing.datetime_start:%d %H:%M}" for mailing in made(world)]


def assert_every_client_has_each_mailing_once(world: World, number: int) -> None:
    mailings = made(world)
    assert len(mailings) == number
    assert len({mailing.datetime_start for mailing in mailings}) == number
    for mailing in mailings:
        assert (mailing.status, mailing.counts.sent, mailing.counts.total) == ("finished", CLIENTS, CLIENTS)
        assert mailing.counts == world.counted_rows(mailing.id)
    assert len(world.services.gateway.accepted) == number * CLIENTS
    assert set(world.services.gateway.accepted.values()) == {1}


def test_each_day_has_a_mailing_with_its_own_audience_and_counts() -> None:
    world = world_at(2026, 11, 23, 8)
    series_id = world.series(starts_in=HOUR)
    run(world, 20)
    world.clients(1)
    run(world, 24)
    assert starts(world) == ["23 09:00", "24 09:00"]
    assert [mailing.counts.sent for mailing in made(world)] == [CLIENTS, CLIENTS + 1]
    assert {mailing.series_id for mailing in made(world)} == {series_id}
    assert world.services.series.get(series_id).mailing_ids == (2, 1)


def test_a_mailing_starts_within_a_minute_of_its_time() -> None:
    world = world_at(2026, 11, 23, 8, 59)
    world.series(starts_in=90)
    world.run(89)
    assert made(world) == []
    world.run(61)
    assert_every_client_has_each_mailing_once(world, 1)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_crash_at_any_call_makes_no_mailing_twice_and_loses_none(after: bool) -> None:
    for at in crash_points():
        world = world_at(2026, 11, 23, 8)
        world.series(starts_in=60)
        world.clock.forward(61)
        crashing = CrashingServices(world.services, at, after)
        world.crashing[0] = crashing
        world.invoke(sweep)
        world.run(900)
        assert_every_client_has_each_mailing_once(world, 1)
        if not crashing.is_dead:
            assert at > 4, "the sweep made few calls"
            break


def test_two_sweeps_at_once_make_one_mailing() -> None:
    world = world_at(2026, 11, 23, 8)
    series_id = world.series()
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda _: making.make_due_mailing(world.services, series_id), range(32)))
    assert len([one for one in ids if one]) == 1
    world.run(900)
    assert_every_client_has_each_mailing_once(world, 1)


class LosingAnswers(FakeSeries):
    """The first write takes effect, and its answer is lost: the repeated write meets its own."""

    def __init__(self, series: FakeSeries) -> None:
        vars(self).update(vars(series))
        self.is_lost = False

    def change(
        self, before: Series, after: Series, record: AuditRecord | None = None, made: Mailing | None = None
    ) -> Series:
        written = super().change(before, after, record, made)
        if not self.is_lost:
            self.is_lost = True
            raise RowChanged
        return written


def test_a_write_whose_answer_is_lost_makes_one_mailing_and_the_sweep_starts_it() -> None:
    world = world_at(2026, 11, 23, 8)
    world.series()
    world.services.series = LosingAnswers(world.services.series)
    sweep(world.services)
    world.run(900)
    assert_every_client_has_each_mailing_once(world, 1)


class RefusingQueue(FakeQueue):
    def send(self, jobs: Sequence[Job], delays: Sequence[int] | None = None) -> None:
        raise TryAgain("throttled")


def test_a_mailing_whose_start_cannot_be_queued_is_started_by_the_next_sweep() -> None:
    world = world_at(2026, 11, 23, 8)
    world.series()
    queue, world.services.jobs_queue = world.services.jobs_queue, RefusingQueue(world.clock)
    assert sweep(world.services)["series"] == 1
    world.services.jobs_queue = queue
    assert sweep(world.services)["start"] == 1


def test_after_an_outage_a_mailing_starts_late_while_it_would_send() -> None:
    world = world_at(2026, 11, 23, 8)
    series_id = world.series(starts_in=HOUR, lasts=6 * HOUR)
    world.clock.forward(5 * HOUR)
    run(world, 2)
    assert starts(world) == ["23 09:00"]
    assert_every_client_has_each_mailing_once(world, 1)
    assert world.services.series.get(series_id).missed == 0


def test_after_a_longer_outage_it_is_missed_counted_and_the_next_one_starts_in_time() -> None:
    world = world_at(2026, 11, 23, 8)
    series_id = world.series(starts_in=HOUR, lasts=6 * HOUR)
    world.clock.forward(2 * DAY + 7 * HOUR)
    run(world, 1)
    assert made(world) == []
    assert world.services.series.get(series_id).missed == 3
    run(world, 24)
    assert starts(world) == ["26 09:00"]
    assert_every_client_has_each_mailing_once(world, 1)


def test_after_an_outage_each_start_that_would_still_send_has_one_mailing() -> None:
    world = world_at(2026, 11, 23, 8)
    series_id = world.series(starts_in=HOUR, lasts=50 * HOUR)
    world.clock.forward(4 * DAY)
    run(world, 0.5)
    assert starts(world) == ["25 09:00", "26 09:00"]
    assert_every_client_has_each_mailing_once(world, 2)
    assert world.services.series.get(series_id).missed == 2


def test_the_clock_change_moves_the_start_with_the_local_time() -> None:
    """Berlin: summer time from 28 March 2027. A skipped 2:30 is 3:00, one hour after 1:59."""
    world = world_at(2027, 3, 26, 12)
    world.series(starts_in=13.5 * HOUR, timezone="Europe/Berlin")
    run(world, 72)
    assert starts(world) == ["27 01:30", "28 01:00", "29 00:30"]


def test_a_doubled_hour_has_one_mailing() -> None:
    """Berlin: winter time from 31 October 2027."""
    world = world_at(2027, 10, 29, 12)
    world.series(starts_in=12.5 * HOUR, timezone="Europe/Berlin")
    run(world, 72)
    assert starts(world) == ["30 00:30", "31 00:30", "01 01:30"]


def test_a_paused_series_makes_nothing_and_a_resumed_one_goes_on_with_the_next_start() -> None:
    world = world_at(2026, 11, 23, 8)
    series_id = world.series(starts_in=HOUR)
    run(world, 3)
    pause_series(world.services, series_id)
    run(world, 48)
    assert starts(world) == ["23 09:00"]
    resume_series(world.services, series_id)
    run(world, 24)
    assert starts(world) == ["23 09:00", "26 09:00"]
    end_series(world.services, series_id)
    run(world, 48)
    assert_every_client_has_each_mailing_once(world, 2)


def test_a_skipped_day_has_no_mailing_and_a_change_applies_from_the_next_one() -> None:
    world = world_at(2026, 11, 23, 8)
    series_id = world.series(starts_in=HOUR)
    run(world, 3)
    skip_day(world.services, series_id, date(2026, 11, 24))
    change_series(world.services, series_id, {"message_text": "new", "time_from": time(0), "time_to": time(23)})
    run(world, 48)
    assert starts(world) == ["23 09:00", "25 09:00"]
    assert [mailing.message_text for mailing in made(world)] == ["text", "new"]


def test_a_cancelled_or_deleted_mailing_is_not_made_again() -> None:
    world = world_at(2026, 11, 23, 8)
    world.series(lasts=6 * HOUR)
    sweep(world.services)
    cancel_mailing(world.services, 1)
    delete_mailing(world.services, 1)
    run(world, 5)
    assert made(world) == []


def test_a_series_ends_by_its_number_of_times() -> None:
    world = world_at(2026, 11, 23, 8)
    series_id = world.series(starts_in=HOUR, repeat_times=2)
    run(world, 96)
    assert_every_client_has_each_mailing_once(world, 2)
    assert world.services.series.get(series_id).status == "ended"


class BrokenSeries(FakeSeries):
    """Series 1 cannot be read."""

    def __init__(self, series: FakeSeries) -> None:
        vars(self).update(vars(series))

    def get(self, series_id: int) -> Series | None:
        if series_id == 1:
            raise OSError("broken")
        return super().get(series_id)


def test_an_error_of_one_series_does_not_stop_the_others() -> None:
    world = world_at(2026, 11, 23, 8)
    world.series()
    world.series()
    world.services.series = BrokenSeries(world.services.series)
    with pytest.raises(ExceptionGroup):
        sweep(world.services)
    assert [mailing.series_id for mailing in made(world)] == [2]


def test_a_sweep_makes_a_bounded_number_of_mailings_and_the_next_ones_the_rest(monkeypatch: Any) -> None:
    monkeypatch.setattr(making, "MOST_AT_ONCE", 2)
    world = world_at(2026, 11, 23, 8)
    for _ in range(3):
        world.series()
    assert [sweep(world.services)["series"] for _ in range(3)] == [2, 1, 0]


def test_the_service_itself_is_the_author_of_the_mailings() -> None:
    world = world_at(2026, 11, 23, 8)
    world.series()
    sweep(world.services)
    [record] = world.services.audit.records
    assert (record.who, record.action, record.what, record.id) == ("the service itself", "made", "mailing", "1")
    assert record.after is not None
    assert record.after["series_id"] == 1
    assert world.clock.now() - record.at < timedelta(minutes=1)
