"""Admission posts a message exactly if all rules allow it, for any mailing, client, time zone, permit and canary."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytz
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.admission import Admission, admit
from chalicelib.domain.canary import Canary
from chalicelib.domain.client import Client
from chalicelib.domain.consent import PURPOSES
from chalicelib.domain.mailing import CANCELLED, PAUSED, STATUSES, Mailing
from chalicelib.domain.rate import UNLIMITED, Permit
from chalicelib.domain.send_window import SendWindow
from chalicelib.zones import zone
from tests.depth import depth

YEARS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
"""Whole years, with every change of the clock."""

CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
WINDOWS = st.tuples(CLOCKS, CLOCKS).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: SendWindow(*pair))
CLIENTS = st.builds(
    Client,
    id=st.just(7),
    phone_number=st.just("79770000007"),
    timezone=st.sampled_from(sorted(pytz.common_timezones)),
    opted_out_at=st.none() | st.none() | YEARS,
    consent_at=st.none() | YEARS,
    consent_withdrawn_at=st.none() | st.none() | YEARS,
)
CANARIES = st.builds(Canary, st.integers(1, 9), st.integers(0, 100), st.integers(0, 12), st.booleans())
HOURS = st.floats(-30, 6).map(lambda hours: timedelta(hours=hours))
SECONDS = st.floats(-3, 3)


@st.composite
def moments(draw: st.DrawFn) -> tuple[Mailing, datetime]:
    """A mailing, and a moment before, during or after it."""
    now = draw(YEARS)
    start = now + draw(HOURS)
    end = start + abs(draw(HOURS)) + timedelta(seconds=1)
    mailing = Mailing(
        1,
        start,
        end,
        "text",
        status=draw(st.sampled_from(STATUSES)),
        window=draw(st.none() | WINDOWS),
        canary=draw(st.none() | CANARIES),
        purpose=draw(st.sampled_from(PURPOSES)),
    )
    return mailing, now


@settings(max_examples=depth(full=500, quick=100))
@given(moments(), st.none() | CLIENTS, st.none() | st.tuples(SECONDS, SECONDS), st.booleans(), st.booleans())
def test_a_message_is_posted_exactly_if_every_rule_allows_it(
    at: tuple[Mailing, datetime],
    client: Client | None,
    permitted: tuple[float, float] | None,
    was_attempted: bool,
    requires_consent: bool,
) -> None:
    mailing, now = at
    moment = now.timestamp()
    permit = Permit(moment + permitted[0], moment + permitted[1]) if permitted else UNLIMITED
    allowed = [
        mailing.status not in (PAUSED, CANCELLED),
        mailing.datetime_start <= now < mailing.datetime_end,
        client is not None and client.opted_out_at is None,
        not requires_consent or mailing.purpose == "service" or _has_consent(client),
        client is not None and _is_within(mailing.window, now.astimezone(zone(client.timezone)).time()),
        mailing.canary is None
        or mailing.canary.is_passed
        or was_attempted
        or mailing.canary.admitted < mailing.canary.size,
        permit.at <= moment <= permit.until,
    ]
    decision = admit(mailing, client, now, zone, permit, was_attempted, requires_consent)
    assert (decision.admission == Admission.POST) == all(allowed)


def _has_consent(client: Client | None) -> bool:
    if client is None or client.consent_at is None:
        return False
    return client.consent_withdrawn_at is None or client.consent_withdrawn_at < client.consent_at


def _is_within(window: SendWindow | None, clock: time) -> bool:
    """Compares microseconds since the opening, modulo a day."""
    if window is None:
        return True
    day = 24 * 3600 * 10**6

    def position(at: time) -> int:
        return (at.hour * 3600 + at.minute * 60 + at.second) * 10**6 + at.microsecond

    return (position(clock) - position(window.opens)) % day < (position(window.closes) - position(window.opens)) % day
