"""Decisions about a series: which start comes next after each of them, and that none is ever taken twice."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import series_decisions as decisions
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.series import MAILINGS_KEPT, Series, next_due, next_starts, with_mailing
from chalicelib.errors import BadInput, NotInThisStatus
from chalicelib.zones import zone

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
"""A Friday."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(day: int, hour: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


START = at(28, 9)


def series(start: datetime = START, length: timedelta = 3 * HOUR, now: datetime = NOW, **fields: Any) -> Series:
    dates = {"datetime_start": start, "datetime_end": start + length}
    given: Any = {**dates, "message_text": "text", "repeat": ("daily",), **fields}
    return decisions.announced(given, 1, now, zone)


def changed(before: Series, now: datetime = NOW, **fields: Any) -> Series:
    given: Any = fields
    return decisions.changed(before, given, now, zone)


def due(before: Series, now: datetime) -> tuple[Series, Mailing | None]:
    return next_due(before, now, zone)


def starts(found: Series, number: int = 3) -> list[datetime]:
    return next_starts(found, number, zone)


def test_the_first_start_is_the_announced_one_if_it_is_on_a_day_of_the_rule() -> None:
    assert starts(series()) == [at(28, 9), at(29, 9), at(30, 9)]


def test_the_first_start_is_otherwise_on_the_next_day_of_the_rule_and_takes_as_long() -> None:
    found = series(repeat=("mon",))
    assert (found.mailing.datetime_start, found.mailing.datetime_end) == (at(30, 9), at(30, 12))


def test_the_time_of_day_is_that_of_the_zone() -> None:
    found = series(datetime(2026, 3, 27, 8, tzinfo=UTC), now=datetime(2026, 3, 1, tzinfo=UTC), timezone="Europe/Berlin")
    assert [start.hour for start in starts(found)] == [8, 8, 7], "9:00, and summer time from the 29th"


def test_a_start_in_the_past_counts_while_its_mailing_would_send() -> None:
    assert series(at(27, 10)).starts_at == at(27, 10)
    assert series(at(27, 9)).starts_at == at(28, 9), "over at this moment"
    assert series(datetime(2022, 8, 22, 9, tzinfo=UTC)).starts_at == at(28, 9)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"length": timedelta(0)}, "datetime_end"),
        ({"start": datetime(2022, 1, 1, tzinfo=UTC), "length": -HOUR}, "datetime_end"),
        ({"length": timedelta(days=32)}, "datetime_end"),
        ({"repeat_until": date(2026, 11, 27)}, "repeat"),
        ({"start": datetime(9999, 12, 31, 20, tzinfo=UTC)}, "repeat"),
        ({"start": datetime(9999, 12, 31, 20, tzinfo=UTC), "timezone": "Pacific/Kiritimati"}, "datetime_start"),
        ({"skip_dates": tuple(date(2027, 1, 1) + number * DAY for number in range(101))}, "skip_dates"),
        ({"time_from": time(9)}, "time_to"),
        ({"max_error_rate": 5}, "max_error_rate"),
    ],
)
def test_bad_input_is_refused_by_field(fields: dict[str, Any], wrong: str) -> None:
    with pytest.raises(BadInput) as refusal:
        series(**fields)
    assert list(refusal.value.fields) == [wrong]


def test_a_mailing_is_made_when_its_start_comes_and_the_series_moves_on() -> None:
    before = series(filter_tag=("vip",), rate_limit=5)
    assert due(before, at(28, 9) - timedelta(seconds=1)) == (before, None)
    after, mailing = due(before, at(28, 9))
    assert mailing is not None
    assert (mailing.datetime_start, mailing.datetime_end, mailing.status) == (at(28, 9), at(28, 12), "scheduled")
    assert (mailing.chosen.tags, mailing.rate_limit, mailing.series_id) == (("vip",), 5, 1)
    assert (after.starts_at, after.made, after.missed) == (at(29, 9), 1, 0)


def test_a_late_mailing_is_made_while_it_would_send_and_counted_as_missed_afterwards() -> None:
    _, late = due(series(), at(28, 11))
    assert late is not None
    assert late.datetime_start == at(28, 9)
    after, missed = due(series(), at(28, 12))
    assert missed is None
    assert (after.made, after.missed, after.starts_at) == (0, 1, at(29, 9))


def test_after_an_outage_of_days_only_what_would_still_send_is_made() -> None:
    after, mailing = due(series(length=30 * HOUR), at(1, 10, month=12))
    assert mailing is not None
    assert mailing.datetime_start == at(30, 9)
    assert (after.made, after.missed) == (1, 2)
    after, mailing = due(after, at(1, 10, month=12))
    assert mailing is not None
    assert mailing.datetime_start == at(1, 9, month=12)
    assert due(after, at(1, 10, month=12)) == (after, None)


def test_a_series_ends_after_its_last_day_or_its_last_time() -> None:
    by_day, _ = due(series(repeat_until=date(2026, 11, 28)), at(28, 9))
    by_times, _ = due(series(repeat_times=1), at(28, 9))
    assert by_day.status == by_times.status == "ended"
    assert starts(by_day) == []
    missed, mailing = due(series(repeat_times=2), at(30, 20))
    assert (missed.status, missed.missed, mailing) == ("ended", 2, None)


def test_the_next_starts_are_not_more_than_the_series_has() -> None:
    assert len(starts(series(repeat_times=2), 5)) == 2


def test_a_pause_leaves_out_the_starts_that_pass() -> None:
    paused = decisions.paused(series())
    assert due(paused, at(30, 9)) == (paused, None)
    resumed = decisions.resumed(paused, at(29, 10), zone)
    assert (resumed.status, resumed.starts_at, resumed.missed) == ("active", at(30, 9), 0)
    assert decisions.resumed(resumed, at(30, 20), zone) == resumed, "nothing to resume"
    assert decisions.resumed(paused, NOW, zone).starts_at == at(28, 9)
    last = decisions.paused(series(repeat_until=date(2026, 11, 28)))
    assert decisions.resumed(last, at(29, 10), zone).status == "ended"


def test_a_skipped_day_has_no_mailing_and_is_skipped_once() -> None:
    found = decisions.with_skipped(series(), date(2026, 11, 28), NOW, zone)
    assert starts(found, 2) == [at(29, 9), at(30, 9)]
    assert decisions.with_skipped(found, date(2026, 11, 28), NOW, zone) == found
    assert starts(decisions.with_skipped(series(), date(2026, 11, 29), NOW, zone), 2) == [at(28, 9), at(30, 9)]
    assert changed(found, skip_dates=()).starts_at == at(28, 9)


@pytest.mark.parametrize("day", [date(2026, 11, 27), date(2026, 12, 24), date.max, date.min])
def test_a_day_without_a_start_cannot_be_skipped(day: date) -> None:
    with pytest.raises(BadInput):
        decisions.with_skipped(series(repeat_until=date(2026, 12, 20)), day, NOW, zone)


def test_the_last_day_that_is_skipped_ends_the_series() -> None:
    found = series(repeat_until=date(2026, 11, 28))
    assert decisions.with_skipped(found, date(2026, 11, 28), NOW, zone).status == "ended"


def test_what_was_read_can_be_sent_back_and_changes_nothing() -> None:
    found = series(repeat=("mon",), timezone="Europe/Moscow", filter_tag=("vip",))
    mailing = found.mailing
    dates = {"datetime_start": mailing.datetime_start, "datetime_end": mailing.datetime_end}
    assert changed(found, **dates, repeat=("mon",), timezone="Europe/Moscow", filter_tag=("vip",)) == found


def test_a_new_text_applies_to_the_next_mailing_and_leaves_its_start() -> None:
    found = changed(series(), message_text="{имя}, new", time_from=time(9), time_to=time(21))
    assert found.starts_at == at(28, 9)
    assert (found.mailing.message_text, found.mailing.has_placeholders) == ("{имя}, new", True)
    _, mailing = due(found, at(28, 9))
    assert mailing is not None
    assert mailing.window == found.mailing.window


def test_a_new_start_moves_the_end_along_and_gives_the_time_of_day() -> None:
    found = changed(series(), datetime_start=at(29, 15))
    assert (starts(found, 2), found.length) == ([at(29, 15), at(30, 15)], 3 * HOUR)
    found = changed(series(), datetime_start=at(29, 15), datetime_end=at(29, 16))
    assert found.length == HOUR
    assert changed(series(), datetime_end=at(28, 10)).length == HOUR


def test_a_new_rule_counts_from_now_and_not_before_the_announced_start() -> None:
    later = series(at(10, 9, month=12))
    assert changed(later, repeat=("fri",)).starts_at == at(11, 9, month=12)
    weekly, _ = due(series(repeat=("sat",)), at(28, 9))
    assert changed(weekly, at(28, 10), repeat=("mon",)).starts_at == at(30, 9)


def test_a_new_zone_keeps_the_time_of_day() -> None:
    assert changed(series(), timezone="Europe/Moscow").starts_at == at(28, 6)


def test_a_start_that_was_taken_is_not_taken_again_whatever_is_changed() -> None:
    made, _ = due(series(), at(28, 9))
    now = at(28, 10)
    assert changed(made, now, datetime_start=at(28, 9)).starts_at == at(29, 9)
    assert changed(made, now, skip_dates=(date(2026, 12, 24),)).starts_at == at(29, 9)
    assert changed(made, now, repeat_until=date(2026, 12, 24)).starts_at == at(29, 9)
    moved = changed(made, now, datetime_start=at(28, 15))
    assert moved.starts_at == at(28, 15), "another time of this day is another start"


def test_an_overdue_start_is_kept_by_a_change_of_the_rule() -> None:
    assert changed(series(), at(28, 10), repeat_until=date(2026, 12, 24)).starts_at == at(28, 9)


def test_more_times_than_have_passed_are_expected() -> None:
    made, _ = due(series(), at(28, 9))
    with pytest.raises(BadInput):
        changed(made, at(28, 10), repeat_times=1)
    assert changed(made, at(28, 10), repeat_times=2).times_left == 1
    assert changed(changed(made, repeat_times=2), repeat_times=None).times_left is None


@pytest.mark.parametrize(
    "fields",
    [
        {"repeat_until": date(2026, 11, 1)},
        {"datetime_start": datetime.max.replace(tzinfo=UTC, microsecond=0)},
        {"datetime_end": at(28, 9)},
    ],
)
def test_a_change_that_leaves_no_start_or_no_time_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        changed(series(), **fields)


def test_a_series_that_has_ended_is_final() -> None:
    ended = decisions.ended(series())
    steps = (
        lambda: changed(ended, message_text="new"),
        lambda: decisions.paused(ended),
        lambda: decisions.resumed(ended, NOW, zone),
        lambda: decisions.with_skipped(ended, date(2026, 11, 29), NOW, zone),
    )
    for step in steps:
        with pytest.raises(NotInThisStatus):
            step()
    assert decisions.ended(ended) == ended
    assert due(ended, at(30, 9)) == (ended, None)


def test_a_paused_series_can_be_changed_and_stays_paused() -> None:
    found = changed(decisions.paused(series()), at(30, 10), message_text="new")
    assert (found.status, found.mailing.message_text, found.mailing.status) == ("paused", "new", "scheduled")


def test_a_series_remembers_its_newest_mailings() -> None:
    found = series()
    for number in range(40):
        found = with_mailing(found, number)
    assert found.mailing_ids == tuple(range(39, 39 - MAILINGS_KEPT, -1))


steps = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 60)),
    st.tuples(st.just("pause"), st.just(0)),
    st.tuples(st.just("resume"), st.just(0)),
    st.tuples(st.just("skip"), st.integers(0, 5)),
    st.tuples(st.just("move"), st.integers(-30, 60)),
    st.tuples(st.just("rule"), st.sampled_from([("daily",), ("mon", "sat"), ("1", "28", "last")])),
    st.tuples(st.just("text"), st.just(0)),
)


@given(
    st.lists(steps, max_size=25), st.integers(1, 40), st.sampled_from(["UTC", "Asia/Kamchatka", "Pacific/Pago_Pago"])
)
def test_in_any_sequence_starts_grow_and_no_mailing_is_made_outside_its_time(
    sequence: list[tuple[str, Any]], length: int, timezone: str
) -> None:
    found, now = series(length=length * HOUR, timezone=timezone), NOW
    made: list[datetime] = []
    for step, value in sequence:
        with suppress(BadInput, NotInThisStatus):
            found = take(found, step, value, now)
        now += timedelta(hours=value) if step == "wait" else timedelta(seconds=7)
        while found.is_due(now):
            found, mailing = due(found, now)
            if mailing is not None:
                made.append(mailing.datetime_start)
                assert mailing.datetime_start <= now < mailing.datetime_end
                assert mailing.datetime_end - mailing.datetime_start == found.length
                assert mailing == replace(
                    found.mailing, datetime_start=mailing.datetime_start, series_id=1, datetime_end=mailing.datetime_end
                )
    assert made == sorted(set(made))
    assert found.made == len(made)


def take(found: Series, step: str, value: Any, now: datetime) -> Series:
    match step:
        case "pause":
            return decisions.paused(found)
        case "resume":
            return decisions.resumed(found, now, zone)
        case "skip":
            return decisions.with_skipped(found, (now + timedelta(days=value)).date(), now, zone)
        case "move":
            return changed(found, now, datetime_start=now + timedelta(hours=value))
        case "rule":
            return changed(found, now, repeat=value)
        case "text":
            return changed(found, now, message_text=f"text of {now:%H:%M}")
    return found
