"""What a person can do about a message that was not sent, or a mailing that the service has paused, by its reason.

Rows store reasons as codes, and the API shows their texts. Pages of the console add this advice; a reason without one
needs nothing, or says itself what to do.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..texts import Text, read_stored

SENDER = Text("after_test.sender")
CREDENTIALS = Text("after_test.credentials")
BALANCE = Text("after_test.balance")
REFUSED = Text("advice.refused")
OFF_CONTRACT = Text("advice.off_contract")
IN_DOUBT = Text("advice.in_doubt")
NOT_DELIVERED = Text("advice.not_delivered")
LATER_END = Text("advice.later_end")
ASK_AND_RESUME = Text("advice.ask_and_resume")

ADVICE: Mapping[str, Text] = {
    "gateway.message_refused": REFUSED,
    "gateway.refused_by_code": REFUSED,
    "gateway.silent": Text("advice.silent"),
    "gateway.answered": Text("advice.gateway_fault"),
    "gateway.other_code": OFF_CONTRACT,
    "gateway.not_its_contract": OFF_CONTRACT,
    "gateway.wrong_settings": Text("advice.wrong_settings"),
    "gateway.token_refused": CREDENTIALS,
    "gateway.credentials_refused": CREDENTIALS,
    "gateway.no_balance": BALANCE,
    "gateway.sender_refused": SENDER,
    "gateway.opted_out": Text("advice.opted_out"),
    "gateway.too_fast": Text("advice.too_fast"),
    "message.in_doubt": IN_DOUBT,
    "message.doubts": IN_DOUBT,
    "message.not_delivered": NOT_DELIVERED,
    "message.not_delivered_without_reason": NOT_DELIVERED,
    "message.other_reasons": Text("advice.other_reasons"),
    "expiry.ended_first": LATER_END,
    "expiry.ended_before_queued": LATER_END,
    "expiry.paused": LATER_END,
    "expiry.no_canary_result": LATER_END,
    "expiry.outside_hours": Text("advice.hours"),
    "expiry.held_back": Text("advice.held_back"),
    "consent.none": Text("advice.consent"),
    "mailing.too_many_errors": Text("advice.many_errors"),
    "mailing.off_contract": ASK_AND_RESUME,
    "mailing.no_clear_answer": ASK_AND_RESUME,
}
"""By the code of the reason."""

NEEDS_NONE = {
    "client.gone",
    "client.opted_out",
    "consent.withdrawn",
    "expiry.no_permit",
    "mailing.refused_credentials",
    "mailing.refused_balance",
    "mailing.refused_sender",
    "mailing.max_cost",
    "mailing.daily_budget",
    "mailing.price_unknown",
}
"""Reasons that say themselves what to do, or with which nothing is wrong."""


def in_words(reason: Text) -> Text:
    """The reason as pages show it: with the meaning of the name of an error."""
    return read_stored(_in_words(reason.stored))


def _in_words(stored: Mapping[str, object]) -> dict[str, object]:
    found = {name: _in_words(value) if isinstance(value, Mapping) else value for name, value in stored.items()}
    if found["code"] == "gateway.silent" and (meaning := _meaning_of(found["error"])):
        found["error"] = meaning.stored
    return found


def _meaning_of(error: object) -> Text | None:
    """Of the name of an error in the reason `gateway.silent`; None for a rare one."""
    match error:
        case "ConnectionError" | "NewConnectionError" | "NameResolutionError" | "ProtocolError":
            return Text("silence.no_connection", name=error)
        case "ConnectTimeout" | "ReadTimeout" | "TimeoutError":
            return Text("silence.too_slow", name=error)
        case "SSLError":
            return Text("silence.not_secure", name=error)
    return None


def advice_on(reason: Text) -> Text | None:
    return ADVICE.get(reason.code)
