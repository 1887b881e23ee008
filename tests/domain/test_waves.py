"""The messages of a mailing by the UTC offset of their clients."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import FINAL, QUEUED
from chalicelib.domain.waves import MOVED, NOT_SENT, PLANNED, Place, Wave, changed, counted, offsets_of, waves_of
from chalicelib.zones import zone

BEFORE_THE_CHANGE = datetime(2026, 10, 24, 12, tzinfo=UTC)
"""The clocks of Berlin go back on 25 October."""

MAILING = Mailing(1, BEFORE_THE_CHANGE, BEFORE_THE_CHANGE + timedelta(days=9), "text")
OFFSET = offsets_of(MAILING, zone)
ZONES = ("Europe/Moscow", "Europe/Kirov", "Asia/Kolkata", "America/St_Johns", "Europe/Berlin")
places = st.lists(st.tuples(st.sampled_from(ZONES), st.sampled_from((QUEUED, *FINAL))), max_size=40)


def test_a_zone_keeps_the_offset_of_the_start_when_its_clocks_change() -> None:
    assert OFFSET("Europe/Berlin") == 120
    assert offsets_of(replace(MAILING, datetime_end=datetime(2030, 1, 1, tzinfo=UTC)), zone)("Europe/Berlin") == 120
    assert offsets_of(replace(MAILING, datetime_start=datetime(2026, 11, 1, tzinfo=UTC)), zone)("Europe/Berlin") == 60


def test_offsets_are_in_minutes_and_can_be_negative() -> None:
    assert [OFFSET(name) for name in ("Asia/Kolkata", "America/St_Johns", "UTC")] == [330, -150, 0]


def test_messages_are_counted_as_planned_sent_and_not_sent() -> None:
    messages: list[Place] = [
        ("Europe/Moscow", "sent"),
        ("Europe/Kirov", "undelivered"),
        ("Europe/Moscow", "queued"),
        ("Asia/Kolkata", "failed"),
        ("Asia/Kolkata", "unknown"),
        (None, "sent"),
    ]
    assert counted(messages, OFFSET) == Counter(
        {(PLANNED, 180): 3, ("sent", 180): 2, (PLANNED, 330): 2, (NOT_SENT, 330): 2}
    )


def test_a_change_that_leaves_a_message_where_it_was_counts_nothing() -> None:
    assert changed([("Europe/Moscow", "sent")], [("Europe/Kirov", "delivered")], OFFSET) == Counter()


def test_a_client_in_another_zone_moves_its_message_to_another_wave() -> None:
    moves = changed([("Europe/Moscow", "queued")], [("Asia/Kolkata", "queued")], OFFSET)
    assert moves == Counter({(MOVED, 180): -1, (MOVED, 330): 1})
    waves = waves_of({"Europe/Moscow": 2, "Asia/Kolkata": 1}, moves, OFFSET)
    assert [(wave.offset, wave.planned) for wave in waves] == [(330, 2), (180, 1)]


@given(before=places, after=st.data())
def test_counts_with_the_changes_equal_a_count_of_the_rows(before: list[Place], after: st.DataObject) -> None:
    later = after.draw(st.lists(st.sampled_from((QUEUED, *FINAL)), min_size=len(before), max_size=len(before)))
    moved = after.draw(st.lists(st.sampled_from(ZONES), min_size=len(before), max_size=len(before)))
    rows: list[Place] = list(zip(moved, later, strict=True))
    counts = counted(before, OFFSET)
    counts.update(changed(before, rows, OFFSET))
    shown = waves_of({}, counts, OFFSET)
    assert shown == waves_of({}, counted(rows, OFFSET), OFFSET)
    assert sum(wave.planned for wave in shown) == len(rows)
    assert all(wave.planned == wave.sent + wave.not_sent + wave.waiting for wave in shown)


def test_waves_stand_in_the_order_in_which_their_day_begins_with_their_zones() -> None:
    zones = {"Europe/Kirov": 1, "Europe/Moscow": 5, "Asia/Kamchatka": 2}
    assert waves_of(zones, Counter({("sent", 720): 1}), OFFSET) == [
        Wave(720, 2, 1, 0, ("Asia/Kamchatka",)),
        Wave(180, 6, 0, 0, ("Europe/Moscow", "Europe/Kirov")),
    ]


def test_what_a_round_has_found_comes_before_the_counts_of_the_fan_out() -> None:
    found = Counter({(PLANNED, 180): 4, ("sent", 180): 4})
    assert waves_of({"Europe/Moscow": 5}, found, OFFSET) == [Wave(180, 4, 4, 0, ("Europe/Moscow",))]


def test_no_wave_shows_a_negative_number_of_waiting_messages() -> None:
    assert Wave(180, planned=2, sent=3).waiting == 0


def test_a_wave_is_named_by_its_offset() -> None:
    assert [Wave(offset, 1).name for offset in (180, 0, -150, 345)] == [
        "UTC+03:00",
        "UTC+00:00",
        "UTC-02:30",
        "UTC+05:45",
    ]
