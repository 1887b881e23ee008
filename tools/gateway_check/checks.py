"""The checks. Each says how many messages it may send to the phone number, and what it has found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.money import shown_amount
from chalicelib.domain.outcome import FINAL, Kind, Outcome

from .findings import Finding, Person
from .probe import Posted, Probe, widest_id

OTHER_CODE = "gateway.other_code"
"""The reason of a 200 with a code other than 0, at a gateway of the contract."""

REFUSED = {Kind.PERMANENT, Kind.OPTED_OUT, Kind.THROTTLED}
"""Answers to a repetition that say: it is not sent again."""


@dataclass(frozen=True)
class Plan:
    """`burst`: messages that are posted together. `wrong_phone`: a number that nobody has."""

    burst: int
    wrong_phone: str
    receipts_url: str = ""


@dataclass(frozen=True)
class Check:
    """`messages`: the most that it can send."""

    name: str
    does: str
    messages: int
    run: Callable[[Probe, Plan, Person], Finding]


def checks_of(plan: Plan) -> list[Check]:
    return [
        Check("acceptance", "posts one message", 1, _acceptance),
        Check("id width", "posts a message with the widest id", 1, _id_width),
        Check("repeated id", "posts the same message twice", 2, _repeated_id),
        Check("wrong number", "posts a message to a number that nobody has", 1, _wrong_number),
        Check("credentials", "posts a message with a wrong secret", 1, _credentials),
        Check("receipts", "asks you about the receipt of the first message", 0, _receipts),
        Check("balance", "asks for the balance of the account", 0, _balance),
        Check("rate", f"posts {plan.burst} messages at the same time", plan.burst, _rate),
    ]


def said(posted: Posted) -> str:
    """The outcome for people. It contains no text of the gateway."""
    return f"{posted.outcome.kind.value}, in {posted.seconds:.2f} s{_reason(posted.outcome)}"


def _reason(outcome: Outcome) -> str:
    return "" if outcome.reason is None else f": {outcome.reason}"


def _acceptance(probe: Probe, _: Plan, __: Person) -> Finding:
    posted = probe.post(probe.message())
    if posted.outcome.sent:
        return Finding("acceptance", said(posted))
    return Finding("acceptance", said(posted), "the gateway takes no message", is_mismatch=True)


def _id_width(probe: Probe, _: Plan, __: Person) -> Finding:
    if not probe.sends_ids:
        return Finding("id width", "the provider takes no id of ours")
    posted = probe.post(probe.message(number=widest_id()))
    if posted.outcome.sent:
        return Finding("id width", f"19 digits: {said(posted)}")
    return Finding("id width", said(posted), "ids of 19 digits do not fit", is_mismatch=True)


def _repeated_id(probe: Probe, _: Plan, person: Person) -> Finding:
    sms = probe.message()
    first, second = probe.post(sms), probe.post(sms)
    seen = f"{first.outcome.kind.value}, then {second.outcome.kind.value}{_reason(second.outcome)}"
    if not first.outcome.sent:
        return Finding("repeated id", seen, "not known: the first post was not accepted")
    if second.outcome.kind is Kind.DUPLICATE:
        return _deduplicated(probe, seen) if probe.sends_ids else _same_text(seen)
    if second.outcome.kind in REFUSED:
        return _same_text(seen)
    arrived = person.number(f'How many messages "{sms.text}" have arrived? Wait a minute.')
    if not arrived:
        return Finding("repeated id", seen, f"not known: count the messages {sms.text!r} on the phone")
    return (
        _deduplicated(probe, f"{seen}; one arrived") if arrived == 1 else _doubled(probe, f"{seen}; {arrived} arrived")
    )


def _deduplicated(probe: Probe, seen: str) -> Finding:
    if probe.can.dedupes is None:
        return Finding("repeated id", seen, "ask the provider for how long", {"GATEWAY_DEDUPES": "true"})
    if probe.can.dedupes:
        return Finding("repeated id", seen, "as the adapter says", {"GATEWAY_DEDUPES": "auto"})
    return Finding("repeated id", seen, "the adapter says that it is not detected", is_mismatch=True)


def _doubled(probe: Probe, seen: str) -> Finding:
    follows = {"GATEWAY_DEDUPES": "false" if probe.can.dedupes else "auto"}
    if probe.gateway.dedupes:
        return Finding("repeated id", seen, "a repeated id is not detected", follows, is_mismatch=True)
    return Finding("repeated id", seen, "as the settings say", follows)


def _same_text(seen: str) -> Finding:
    return Finding("repeated id", seen, "refused for a while: too short to rely on", {"GATEWAY_DEDUPES": "auto"})


def _wrong_number(probe: Probe, plan: Plan, _: Person) -> Finding:
    posted = probe.post(probe.message(plan.wrong_phone))
    kind, seen = posted.outcome.kind, said(posted)
    if kind in FINAL:
        return Finding("wrong number", seen, "fails its message only")
    if posted.outcome.sent:
        return Finding("wrong number", seen, "only a delivery receipt tells")
    if _is_other_code(posted.outcome):
        follows = {"GATEWAY_REFUSES_BY_CODE": "true"}
        return Finding("wrong number", seen, "in doubt, unless its codes are refusals", follows, is_mismatch=True)
    return Finding("wrong number", seen, "a wrong number should fail its message only", is_mismatch=True)


def _is_other_code(outcome: Outcome) -> bool:
    return outcome.reason is not None and outcome.reason.code == OTHER_CODE


def _credentials(probe: Probe, _: Plan, __: Person) -> Finding:
    if not probe.can.key_form:
        return Finding("credentials", "the provider needs no secret")
    posted = probe.post_with_wrong_secret()
    if posted.outcome.kind is Kind.CREDENTIALS:
        return Finding("credentials", said(posted), "the sender stops, and no message fails")
    return Finding("credentials", said(posted), "a wrong secret is not told from other refusals", is_mismatch=True)


def _receipts(_: Probe, plan: Plan, person: Person) -> Finding:
    if not plan.receipts_url:
        return Finding("receipts", "not checked: RECEIPTS_URL is not set")
    arrived = person.number(f"How many calls has {plan.receipts_url} got for these messages?")
    if not arrived:
        return Finding("receipts", "not known")
    return Finding("receipts", f"{arrived} calls", settings={"RECEIPTS": "true" if arrived else "false"})


def _balance(probe: Probe, _: Plan, __: Person) -> Finding:
    told = probe.balance()
    if told is None:
        return Finding("balance", "the provider does not tell it")
    if told.balance is None:
        return Finding("balance", f"not told, {told.problem}", "BALANCE_ALARM would show nothing")
    shown = f"{shown_amount(told.balance.value)} {told.balance.currency}".strip()
    return Finding("balance", shown, "BALANCE_ALARM can watch it")


def _rate(probe: Probe, plan: Plan, _: Person) -> Finding:
    posts = probe.post_together([probe.message() for _ in range(plan.burst)])
    kinds = Counter(posted.outcome.kind for posted in posts)
    seen = ", ".join(f"{number} {kind.value}" for kind, number in kinds.items())
    seconds = max(posted.seconds for posted in posts)
    seen = f"{seen}, in {seconds:.2f} s"
    taken = sum(posted.outcome.sent for posted in posts)
    if kinds[Kind.THROTTLED]:
        return _too_fast(probe, seen, max(1, int(taken / max(1.0, seconds))))
    if taken == plan.burst:
        return Finding("rate", seen, f"at least {plan.burst} at the same time")
    return Finding("rate", seen, "posts at the same time meet other failures", is_mismatch=True)


def _too_fast(probe: Probe, seen: str, rate: int) -> Finding:
    follows = {"GATEWAY_RATE": str(rate)}
    declared = probe.gateway.rate
    if declared is not None and declared > rate:
        return Finding("rate", seen, f"slower than GATEWAY_RATE={declared:g}", follows, is_mismatch=True)
    return Finding("rate", seen, "the gateway limits the rate", follows)
