"""The tables of allowed steps and fixed fields agree with the decisions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.allowed_steps import (
    ALLOWED_IN,
    CANCEL,
    CHANGE,
    DELETE,
    FIXED_AFTER_START,
    PAUSE,
    RESEND,
    RESUME,
    allowed_steps,
    fixed_fields,
    useful_steps,
)
from chalicelib.domain.audience import Plan
from chalicelib.domain.canary import Canary
from chalicelib.domain.condition import Leaf
from chalicelib.domain.counts import Counts
from chalicelib.domain.decisions import cancelled, changed, paused, resent, resumed
from chalicelib.domain.filter import Filter
from chalicelib.domain.mailing import FINISHED, RUNNING, SCHEDULED, STATUSES, Mailing
from chalicelib.domain.send_window import SendWindow
from chalicelib.errors import BadInput, NotInThisStatus
from chalicelib.fields import MAILING

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLAN = Plan("block", 1000, 1, 1)

Decide = Callable[[Mailing], Mailing]
DECISIONS: dict[str, Decide] = {
    CHANGE: lambda mailing: changed(mailing, {"message_text": "another text"}, NOW),
    PAUSE: lambda mailing: paused(mailing, NOW),
    RESUME: lambda mailing: resumed(mailing, NOW),
    CANCEL: lambda mailing: cancelled(mailing, NOW),
    RESEND: lambda mailing: resent(mailing, ["failed"], NOW),
    DELETE: lambda mailing: replace(mailing, version=mailing.version + 1),  # every status allows it
}


@st.composite
def mailings(draw: st.DrawFn) -> Mailing:
    """Mailings of every status, before, during and after their time. Only statuses that need a plan have one."""
    status = draw(st.sampled_from(STATUSES))
    start = NOW + HOUR * draw(st.integers(-3, 0 if status != SCHEDULED else 3))
    plan = None if status == SCHEDULED else PLAN
    if status not in (SCHEDULED, RUNNING, "paused") and draw(st.booleans()):
        plan = None  # it ended before it could start
    return Mailing(
        1,
        start,
        start + HOUR * draw(st.sampled_from([-2, 1, 2, 3, 4, 99])),
        "text",
        status=status,
        plan=plan,
        is_fanned_out=plan is not None and draw(st.booleans()),
        canary=draw(st.sampled_from([None, Canary(5), Canary(5, is_passed=True)])),
        paused_because=draw(st.sampled_from([None, Canary(5).pause_reason(3, 5)])) if status == "paused" else None,
        ended_at=NOW - HOUR if status in (FINISHED, "cancelled") else None,
        counts=draw(st.sampled_from([Counts(5, sent=5), Counts(5, failed=1), Counts(5, expired=1, unknown=1)])),
    )


def is_refused(decide: Decide, mailing: Mailing) -> bool:
    try:
        decide(mailing)
    except NotInThisStatus:
        return True
    except BadInput:  # the status allows the step, and the dates are refused
        return False
    return False


@given(mailings())
def test_a_step_is_allowed_exactly_when_its_decision_does_not_refuse_the_status(mailing: Mailing) -> None:
    refused = {step for step, decide in DECISIONS.items() if is_refused(decide, mailing)}
    assert allowed_steps(mailing, NOW) == set(DECISIONS) - refused


@given(mailings())
def test_a_useful_step_is_an_allowed_one_that_changes_the_mailing(mailing: Mailing) -> None:
    useful = useful_steps(mailing, NOW)
    assert useful <= allowed_steps(mailing, NOW)
    for step in allowed_steps(mailing, NOW) - {CHANGE, RESEND}:
        assert (DECISIONS[step](mailing) != mailing) == (step in useful), step


@given(mailings())
def test_a_resend_is_useful_exactly_while_it_is_allowed_and_finds_messages(mailing: Mailing) -> None:
    has_messages = mailing.counts.failed + mailing.counts.expired + mailing.counts.unknown > 0
    assert (RESEND in useful_steps(mailing, NOW)) == (RESEND in allowed_steps(mailing, NOW) and has_messages)


def test_a_change_is_useful_until_the_mailing_has_reached_all_its_clients() -> None:
    sent = Mailing(
        1, NOW - HOUR, NOW + HOUR, "text", status=FINISHED, plan=PLAN, is_fanned_out=True, counts=Counts(5, sent=5)
    )
    assert CHANGE not in useful_steps(sent, NOW)
    assert CHANGE in useful_steps(replace(sent, status=RUNNING), NOW)
    assert CHANGE in useful_steps(replace(sent, counts=Counts(5, sent=4, failed=1)), NOW), "before a resend"
    assert CHANGE in useful_steps(replace(sent, is_fanned_out=False), NOW), "a later end selects the other clients"
    assert CHANGE in useful_steps(replace(sent, plan=None, is_fanned_out=False), NOW), "it has not started"


def test_every_step_is_in_the_table_and_has_a_decision() -> None:
    assert set(ALLOWED_IN) == set(DECISIONS)
    assert all(set(statuses) <= set(STATUSES) for statuses in ALLOWED_IN.values())


STARTED = Mailing(1, NOW - HOUR, NOW + HOUR, "text", status=RUNNING, plan=PLAN, progress_at=NOW, canary=Canary(5))
OTHERS: dict[str, Any] = {
    "datetime_start": NOW - 2 * HOUR,
    "datetime_end": NOW + 2 * HOUR,
    "message_text": "another text",
    "purpose": "marketing",
    "sender": "CAFE",
    "filter_tag": ("vip",),
    "filter_op_codes": ("977",),
    "filter": Leaf("tag", "present", True),
    "segment": 7,
    "time_from": SendWindow(NOW.time(), (NOW + HOUR).time()).opens,
    "time_to": (NOW + 2 * HOUR).time(),
    "rate_limit": 5,
    "max_cost": 5_000_000,
    "canary": 9,
    "max_error_rate": 9,
}
WINDOWED = replace(STARTED, window=SendWindow((NOW - HOUR).time(), (NOW + HOUR).time()))


@pytest.mark.parametrize("name", MAILING)
def test_a_field_is_fixed_exactly_when_a_started_mailing_refuses_another_value_of_it(name: str) -> None:
    change: Any = {name: OTHERS[name]}
    if name not in FIXED_AFTER_START:
        assert changed(WINDOWED, change, NOW) != WINDOWED
        return
    with pytest.raises(BadInput) as refused:
        changed(WINDOWED, change, NOW)
    assert list(refused.value.body) == [name]


def test_fields_are_fixed_after_the_start() -> None:
    assert fixed_fields(None) == fixed_fields(replace(STARTED, status=SCHEDULED, plan=None)) == frozenset()
    assert fixed_fields(STARTED) == set(FIXED_AFTER_START) < set(MAILING)


def test_a_change_with_the_same_filter_is_accepted() -> None:
    filtered = replace(STARTED, chosen=Filter(("vip",), ("977",)))
    kept: Any = {"filter_tag": ("vip",), "filter_op_codes": ("977",), "message_text": "another text"}
    assert changed(filtered, kept, NOW).chosen == filtered.chosen
