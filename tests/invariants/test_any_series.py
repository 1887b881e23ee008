"""Any sequence of calls, deliveries, crashes and days keeps the promises of a series, on fakes and on a hostile AWS.

Each start makes one mailing, before its end, or is missed; what a series makes keeps the invariants of all mailings.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from chalicelib.access.audit import SERVICE_AUTHOR
from chalicelib.delivery.series import make_due_mailing
from chalicelib.delivery.sweep import sweep
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.rounds import LONGEST_PAUSE
from chalicelib.domain.series import Series
from chalicelib.mailings import series as use_cases
from chalicelib.representation import represent_moment
from chalicelib.zones import zone
from infra.local.doubles.hostile.knobs import ON
from tests.depth import depth

from .test_any_sequence import Death, Deliveries, deaths, places
from .test_hostile import HostileDeliveries

HOUR = 3600
DAY = 24 * HOUR
SWEEPS = 5
"""After the faults: as many as a mailing that lasts for days can have starts that are due together, and one more."""

WRONG = timedelta(seconds=ON.skew / 2)
"""By so much the clock of a container may be wrong."""

rules = st.sampled_from([("daily",), ("mon", "tue", "thu"), ("24", "26", "last")])
lengths = st.sampled_from([300, 2 * HOUR, 30 * HOUR])
makings = st.tuples(st.integers(1, 4), st.booleans())
"""As `deaths`, of an invocation that makes one mailing."""

STEPS = {"pause": use_cases.pause_series, "resume": use_cases.resume_series, "end": use_cases.end_series}


class SeriesRules(RuleBasedStateMachine):
    """Beside the rules of a machine for mailings. `steered`: series that a person has steered, or tried to."""

    series_ids = Bundle("series_ids")
    world: Any
    services: Any
    _call_api: Any
    _invoke: Any

    def __init__(self) -> None:
        super().__init__()
        self.steered: set[int] = set()
        self.announced: dict[int, Series] = {}

    @rule(
        target=series_ids,
        starts_in=st.integers(-60, 300) | st.integers(-2 * DAY, 2 * DAY),
        lasts=lengths,
        repeat=rules,
        times=st.sampled_from([None, None, 1, 3]),
        timezone=places,
    )
    def announce_series(
        self, starts_in: int, lasts: int, repeat: tuple[str, ...], times: int | None, timezone: str
    ) -> int:
        given = {"repeat": repeat, "repeat_times": times, "timezone": timezone}
        series_id = self.world.series(starts_in=starts_in, lasts=lasts, **given)
        self.announced[series_id] = self.services.series.get(series_id)
        return int(series_id)

    @rule(series_id=series_ids, step=st.sampled_from(sorted(STEPS)), death=deaths)
    def steer_series(self, series_id: int, step: str, death: Death) -> None:
        self.steered.add(series_id)
        self._call_api(lambda services: STEPS[step](services, series_id), death)

    @rule(series_id=series_ids, days=st.integers(-1, 4), death=deaths)
    def skip_a_day(self, series_id: int, days: int, death: Death) -> None:
        self.steered.add(series_id)
        day = (self.world.clock.now() + timedelta(days=days)).date()
        self._call_api(lambda services: use_cases.skip_day(services, series_id, day), death)

    @rule(
        series_id=series_ids,
        fields=st.builds(dict, repeat=rules) | st.builds(dict, timezone=places) | st.just({"message_text": "new"}),
        moved=st.none() | st.integers(-DAY, DAY),
        death=deaths,
    )
    def change_series(self, series_id: int, fields: Any, moved: int | None, death: Death) -> None:
        self.steered.add(series_id)
        if moved is not None:
            fields = {**fields, "datetime_start": self.world.clock.now() + timedelta(seconds=moved)}
        self._call_api(lambda services: use_cases.change_series(services, series_id, fields), death)

    @rule(series_id=series_ids, seconds=st.sampled_from([-1, 0, 1, 30, 400, DAY, 3 * DAY]))
    def wait_for_a_start(self, series_id: int, seconds: int) -> None:
        """Or for longer: an outage, in which nothing runs."""
        series = self.services.series.get(series_id)
        if not series.is_over:
            self.world.clock.forward_to(series.starts_at + timedelta(seconds=seconds))

    @rule(series_id=series_ids, seconds=st.sampled_from([0, 0, 30, DAY]), deaths=st.lists(makings, max_size=3))
    def make_its_mailing(self, series_id: int, seconds: int, deaths: list[Death]) -> None:
        """At a start, or later. The invocation may die, several times."""
        self.wait_for_a_start(series_id, seconds)
        for death in [*deaths, None]:
            self._invoke(lambda services: make_due_mailing(services, series_id), death)

    @invariant()
    def each_start_has_one_mailing(self) -> None:
        for series in self.services.series.rows.values():
            starts = [mailing.datetime_start for mailing in self._mailings_of(series)]
            assert len(starts) == len(set(starts)) == series.made
            assert series.last_start is None or all(start <= series.last_start for start in starts)
            assert series.is_over or series.last_start is None or series.last_start < series.starts_at

    @invariant()
    def no_mailing_is_made_outside_its_time(self) -> None:
        for record in self.services.audit.records:
            if record.who == SERVICE_AUTHOR and record.action == "made":
                starts, ends = record.after["datetime_start"], record.after["datetime_end"]
                assert starts <= represent_moment(record.at + WRONG)
                assert ends > represent_moment(record.at - WRONG)

    def teardown(self) -> None:
        """No start is lost: of a series that nobody has steered, each one that has come was made or missed."""
        self._end_faults()
        for _ in range(SWEEPS):
            self.world.invoke(sweep)
        now = self.world.clock.now()
        for series_id, begun in self.announced.items():
            found = self.services.series.get(series_id)
            assert not found.is_due(now - WRONG)
            if series_id not in self.steered:
                assert _starts(begun, now - WRONG) <= found.made + found.missed <= _starts(begun, now + WRONG)
            use_cases.end_series(self.services, series_id)
        self.each_start_has_one_mailing()
        super().teardown()

    def _mailings_of(self, series: Series) -> list[Mailing]:
        return [mailing for mailing in self.services.mailings.rows.values() if mailing.series_id == series.id]

    def _end_faults(self) -> None:
        """There are none."""


def _starts(series: Series, until: datetime) -> int:
    """The number of its starts up to this moment."""
    starts = series.rule.starts(zone(series.rule.timezone), series.starts_at)
    number = len(list(takewhile(lambda start: start <= until, starts)))
    return number if series.times is None else min(number, series.times)


class SeriesDeliveries(SeriesRules, Deliveries):
    pass


class HostileSeries(SeriesRules, HostileDeliveries):
    def _end_faults(self) -> None:
        self.world.aws.begin_weather(0)

    def _patience(self, waiting: list[Mailing]) -> float:
        """A round that was begun before an outage of days is as old as that: its lost jobs are queued once an hour."""
        return super()._patience(waiting) + LONGEST_PAUSE.total_seconds()


BOUNDS = settings(max_examples=depth(full=50, quick=8, deep=1000), stateful_step_count=50)
TestSeriesDeliveries = SeriesDeliveries.TestCase
TestSeriesDeliveries.settings = BOUNDS
TestHostileSeries = HostileSeries.TestCase
TestHostileSeries.settings = BOUNDS
