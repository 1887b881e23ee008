"""The scenarios: which attack a running mailing gets, and which outcomes are allowed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.message import CANCELLED, EXPIRED

from .attacks import (
    Attack,
    answer_garbage,
    answer_too_late,
    cancel,
    change_the_rate,
    change_the_text,
    deliver_to_two_senders,
    fail_for_most,
    gateway,
    inject,
    kill,
    kill_the_fan_out,
    kill_the_sweep,
    let_it_end,
    limited,
    lose_the_start,
    move_the_end_and_back,
    move_the_end_nearer,
    no_attack,
    pause_and_resume,
    restart_ministack,
)
from .hours_attacks import kill_when_the_hours_begin, let_the_hours_end, soon_closed, soon_open
from .turn_attacks import end_at_any_call, end_turns_early, freeze_idle_senders, freeze_senders


@dataclass(frozen=True)
class Scenario:
    """`attack(experiment, seconds)` returns when the attack is over; a failure lasts for `seconds`.

    `fields` returns fields of the mailing beside its text and times. `gateway` and `faults` are the behaviour of the
    simulator and of the proxy from the start. `may_end` has the allowed final statuses beside sent.
    """

    name: str
    attack: Attack
    gateway: dict[str, Any] = field(default_factory=lambda: {"latency": 0.3})
    faults: dict[str, Any] = field(default_factory=dict)
    fields: Callable[[], dict[str, Any]] = dict
    starts_in: float = 0
    lasts: float = 900
    may_end: frozenset[str] = frozenset()
    is_quick: bool = True


SLOW = {"latency": 1.0}
SLOWER = {"latency": 3.0}
MAY_EXPIRE = frozenset({EXPIRED})

SCENARIOS = [
    Scenario("nothing is broken", no_attack, is_quick=False),
    Scenario("senders killed", kill("SendMessages"), SLOW),
    Scenario("fan-out killed", kill_the_fan_out, is_quick=False),
    Scenario("sweep killed, start lost", kill_the_sweep, starts_in=8, is_quick=False),
    Scenario("start lost", lose_the_start, starts_in=6),
    Scenario("gateway hangs up", gateway(outage=True)),
    Scenario("gateway hangs", gateway(hang=True), is_quick=False),
    Scenario("gateway answers too late", answer_too_late, is_quick=False),
    Scenario("gateway answers garbage", answer_garbage, is_quick=False),
    Scenario("gateway answers 500", gateway(error_rate=1.0), is_quick=False),
    Scenario("gateway answers 500 to a half", gateway(error_rate=0.5), is_quick=False),
    Scenario("gateway fails for most clients", fail_for_most, starts_in=3),
    Scenario("gateway answers 429", gateway(throttle=3), is_quick=False),
    Scenario("gateway answers 401", gateway(unauthorized=True), is_quick=False),
    Scenario("every queue message twice", no_attack, faults={"duplicate": True}),
    Scenario("a batch to two senders at once", deliver_to_two_senders),
    Scenario("writes throttled", inject(throttle=0.5)),
    Scenario("writes failing", inject(fail=0.5), is_quick=False),
    Scenario("all writes refused", inject(throttle=0.5, fail=0.5), is_quick=False),
    Scenario("parts of batches throttled", inject(throttle_parts=0.5), faults={"throttle_parts": 0.5}),
    Scenario("answers lost", inject(lose=0.3), faults={"lose": 0.3}, is_quick=False),
    Scenario("parts throttled, answers lost", no_attack, faults={"throttle_parts": 0.3, "lose": 0.1}, is_quick=False),
    Scenario("senders end at any call", end_at_any_call("SendMessages", 6), SLOW, is_quick=False),
    Scenario("fan-out ends at any call", end_at_any_call("RunJobs", 3), is_quick=False),
    Scenario("turns end early, calls slow", end_turns_early, SLOW, is_quick=False),
    Scenario("senders frozen in their turns", freeze_senders, SLOW, is_quick=False),
    Scenario("senders frozen between turns", freeze_idle_senders, is_quick=False),
    Scenario("MiniStack restarted", restart_ministack, SLOW),
    Scenario("the end in the middle", let_it_end, SLOWER, lasts=9, may_end=MAY_EXPIRE),
    Scenario("the end, and writes failing", inject(fail=0.4), SLOWER, lasts=9, may_end=MAY_EXPIRE, is_quick=False),
    Scenario("the end moved nearer", move_the_end_nearer, SLOWER, may_end=MAY_EXPIRE, is_quick=False),
    Scenario("the end moved, and back", move_the_end_and_back, SLOWER, is_quick=False),
    Scenario("the text changed", change_the_text, SLOWER, is_quick=False),
    Scenario("paused and resumed", pause_and_resume, SLOWER),
    Scenario("a rate, and senders killed", kill("SendMessages"), fields=limited(10)),
    Scenario("a rate changed, and writes failing", change_the_rate, fields=limited(5), is_quick=False),
    Scenario("local hours begin, senders killed", kill_when_the_hours_begin, fields=soon_open, is_quick=False),
    Scenario("local hours end in the middle", let_the_hours_end, SLOWER, fields=soon_closed, is_quick=False),
    Scenario("cancelled", cancel, SLOWER, may_end=frozenset({CANCELLED})),
]
