"""Messages by UTC offset: planned, sent and not sent meet, and the round that ends a mailing corrects what was lost."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.clients.registry import change_client
from chalicelib.domain.message import read_message_id
from chalicelib.domain.waves import Wave, WaveCounts, counted, offsets_of, waves_of
from chalicelib.errors import NotWritten
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import cancel_mailing, change_mailing, resend_mailing
from chalicelib.mailings.waves import present_waves
from chalicelib.zones import zone
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.fake_timelines import FakeTimelines
from infra.local.doubles.world import World
from tests.depth import crash_points

DAY = 24 * 3600
BY_DAY: dict[str, Any] = {"time_from": time(9), "time_to": time(21)}
MOSCOW, KIROV, KAMCHATKA, KOLKATA = "Europe/Moscow", "Europe/Kirov", "Asia/Kamchatka", "Asia/Kolkata"
INVOCATIONS = 8


def world_of_zones(moscow: int = 7, kirov: int = 2, kamchatka: int = 5, kolkata: int = 3) -> World:
    """Noon in UTC: 15:00 in Moscow and Kirov, 17:30 in Kolkata, midnight in Kamchatka."""
    world = World()
    for name, number in {MOSCOW: moscow, KIROV: kirov, KAMCHATKA: kamchatka, KOLKATA: kolkata}.items():
        world.clients(number, timezone=name)
    return world


def waves(world: World, mailing_id: int) -> list[Wave]:
    return [one.wave for one in present_waves(world.services, world.get(mailing_id))]


def by_rows(world: World, mailing_id: int) -> dict[int, tuple[int, int, int]]:
    rows = [row for key, row in world.services.messages.rows.items() if key[0] == mailing_id]
    offset = offsets_of(world.get(mailing_id), zone)
    return numbers(waves_of({}, counted(((row.timezone, row.status) for row in rows), offset), offset))


def zones_by_slices(world: World, mailing_id: int) -> dict[str, int]:
    return sum((one.zones for one in world.services.slices.of_mailing(mailing_id)), Counter[str]())


def numbers(found: list[Wave]) -> dict[int, tuple[int, int, int]]:
    return {wave.offset: (wave.planned, wave.sent, wave.not_sent) for wave in found}


def refuse(world: World, clients: set[int]) -> None:
    gateway: Any = world.services.gateway

    def answer_to(message_id: int) -> Answer:
        ids = read_message_id(message_id)
        return Answer(400) if ids and ids[1] in clients else gateway.OK

    gateway.next_answer = answer_to


class Recorded(FakeTimelines):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def add_waves(self, mailing_id: int, counts: WaveCounts, expires_at: datetime) -> None:
        self.writes.append("add")
        super().add_waves(mailing_id, counts, expires_at)

    def replace_waves(self, mailing_id: int, counts: WaveCounts, expires_at: datetime) -> None:
        self.writes.append("replace")
        super().replace_waves(mailing_id, counts, expires_at)


class Losing(FakeTimelines):
    def add_waves(self, *_: Any) -> None:
        raise NotWritten("throttled")


def test_a_wave_has_what_is_planned_sent_and_waiting_while_the_mailing_runs() -> None:
    world = world_of_zones()
    refuse(world, {1})
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.run(600)
    assert waves(world, mailing_id) == [
        Wave(720, 5, 0, 0, (KAMCHATKA,)),
        Wave(330, 3, 3, 0, (KOLKATA,)),
        Wave(180, 9, 8, 1, (MOSCOW, KIROV)),
    ]
    assert [wave.waiting for wave in waves(world, mailing_id)] == [5, 0, 0]
    world.run(DAY / 2, step=30)
    assert world.get(mailing_id).status == "finished"
    assert numbers(waves(world, mailing_id)) == {720: (5, 5, 0), 330: (3, 3, 0), 180: (9, 8, 1)}


def test_a_wave_tells_its_local_time_and_when_its_hours_open() -> None:
    world = world_of_zones()
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.run(600)
    kamchatka, kolkata, moscow = present_waves(world.services, world.get(mailing_id))
    assert (moscow.is_open, kolkata.is_open, kamchatka.is_open) == (True, True, False)
    assert f"{moscow.local_time:%H:%M} {kolkata.local_time:%H:%M} {kamchatka.local_time:%H:%M}" == "15:10 17:40 00:10"
    assert kamchatka.opens_at is not None
    assert f"{kamchatka.opens_at:%d %H:%M}" == "23 21:00"
    change_mailing(world.services, mailing_id, {"datetime_end": kamchatka.opens_at})
    assert present_waves(world.services, world.get(mailing_id))[0].opens_at is None, "not before the end"


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("victim", range(INVOCATIONS))
def test_a_crash_at_any_call_leaves_the_waves_equal_to_the_rows_in_the_end(victim: int, after: bool) -> None:
    for at in crash_points():
        world = world_of_zones()
        refuse(world, {2, 11})
        crashing = world.crashing[victim] = CrashingServices(world.services, at, after)
        mailing_id = world.mailing(lasts=DAY, **BY_DAY)
        world.run(900)
        for wave in waves(world, mailing_id):
            assert wave.sent + wave.not_sent <= wave.planned, (at, wave)
        world.run(DAY / 2, step=30)
        assert world.get(mailing_id).status == "finished"
        assert numbers(waves(world, mailing_id)) == by_rows(world, mailing_id) != {}, at
        assert zones_by_slices(world, mailing_id) == {MOSCOW: 7, KIROV: 2, KAMCHATKA: 5, KOLKATA: 3}, at
        if not crashing.is_dead:
            break


def test_the_round_that_ends_a_mailing_counts_what_was_lost() -> None:
    world = world_of_zones()
    world.services.timelines = Losing()
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.run(60)
    assert sum(wave.sent for wave in waves(world, mailing_id)) == 0
    world.run(DAY / 2, step=30)
    assert numbers(waves(world, mailing_id)) == by_rows(world, mailing_id)
    assert sum(wave.sent for wave in waves(world, mailing_id)) == 17


def test_one_write_for_a_batch_of_a_mailing_with_local_hours_and_none_without() -> None:
    world = world_of_zones(moscow=18)
    world.services.timelines = recorded = Recorded()
    world.mailing(lasts=DAY)
    world.run(600)
    assert recorded.writes == [], "no local hours"
    batches = len(world.services.gateway.posts) // world.batch
    world.mailing(lasts=DAY, time_from=time(0), time_to=time(23, 59))
    world.do_jobs()
    world.send_all()
    assert recorded.writes == ["add"] * (batches + 1)


def test_a_client_that_moves_to_another_time_zone_moves_to_another_wave() -> None:
    world = world_of_zones()
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.run(600)
    change_client(world.services, 10, {"timezone": "Asia/Vladivostok"})
    world.run(60)
    assert numbers(waves(world, mailing_id))[600] == (1, 0, 0)
    assert numbers(waves(world, mailing_id)) == by_rows(world, mailing_id)
    world.run(DAY / 2, step=30)
    assert numbers(waves(world, mailing_id)) == by_rows(world, mailing_id)


def test_the_waves_of_a_cancelled_mailing_say_what_was_not_sent() -> None:
    world = world_of_zones()
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.run(600)
    cancel_mailing(world.services, mailing_id)
    world.run(600)
    assert numbers(waves(world, mailing_id)) == {720: (5, 0, 5), 330: (3, 3, 0), 180: (9, 9, 0)}


def test_messages_that_expire_are_not_sent_and_wait_again_after_a_later_end() -> None:
    world = world_of_zones()
    mailing_id = world.mailing(lasts=3600, **BY_DAY)
    world.run(5000, step=30)
    assert numbers(waves(world, mailing_id))[720] == (5, 0, 5)
    end = world.clock.now().replace(day=25)
    change_mailing(world.services, mailing_id, {"datetime_end": end})
    world.run(900)
    assert numbers(waves(world, mailing_id))[720] == (5, 0, 0), "they wait for the morning"
    world.run(DAY / 2, step=30)
    assert numbers(waves(world, mailing_id))[720] == (5, 5, 0)


def test_a_resend_lowers_the_number_of_messages_not_sent() -> None:
    world = world_of_zones()
    refuse(world, {1, 2, 3})
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.run(600)
    refuse(world, set())
    resend_mailing(world.services, mailing_id, ("failed",))
    world.run(600)
    assert numbers(waves(world, mailing_id))[180] == (9, 9, 0)


def test_a_receipt_that_proves_a_failed_message_sent_counts_it_as_sent() -> None:
    world = world_of_zones()
    refuse(world, {1})
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.run(600)
    world.report(world.services.messages.rows[mailing_id, 1].id)
    world.settle_all()
    assert numbers(waves(world, mailing_id))[180] == (9, 9, 0)
    assert world.get(mailing_id).counts.sent == 12


def test_a_mailing_that_an_earlier_version_has_fanned_out_shows_no_waves_until_a_round_has_counted_them() -> None:
    world = world_of_zones()
    mailing_id = world.mailing(lasts=DAY, **BY_DAY)
    world.do_jobs()
    for row in world.services.slices.rows.values():
        row.zones.clear()
    world.send_all()
    assert waves(world, mailing_id) == []
    world.run(DAY / 2, step=30)
    assert numbers(waves(world, mailing_id)) == by_rows(world, mailing_id)


def test_what_is_planned_and_sent_meets_in_one_wave_after_a_change_of_the_clocks() -> None:
    """The clocks of Berlin go back in the night to 31 October 2027."""
    world = World()
    world.clock.forward_to(datetime(2027, 10, 30, 12, tzinfo=UTC))
    world.clients(3, timezone="Europe/Berlin")
    mailing_id = world.mailing(lasts=2 * DAY, time_from=time(9), time_to=time(12))
    world.run(600)
    assert waves(world, mailing_id) == [Wave(120, 3, 0, 0, ("Europe/Berlin",))]
    world.run(DAY, step=60)
    [wave] = present_waves(world.services, world.get(mailing_id))
    assert wave.wave == Wave(120, 3, 3, 0, ("Europe/Berlin",))
    assert wave.local_time.utcoffset() == timedelta(hours=1)
    assert world.services.gateway.posts[0].at == datetime(2027, 10, 31, 8, tzinfo=UTC)
