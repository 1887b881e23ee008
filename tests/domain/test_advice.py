"""Every reason that a page shows says what happened, and beside it stands what a person can do about it."""

from __future__ import annotations

import json

from chalicelib import texts
from chalicelib.domain.advice import ADVICE, NEEDS_NONE, advice_on, in_words
from chalicelib.domain.reasons import OTHER
from chalicelib.texts import Text

CODES = set(json.loads(texts.TEMPLATES.read_text()))

NO_REASONS = {"gateway.hidden_code", "message.no_reason"}
"""Parts of other texts."""

OF_PAUSES = {code for code in CODES if code.startswith("mailing.refused_")} | {
    "mailing.off_contract",
    "mailing.no_clear_answer",
    "mailing.too_many_errors",
    "mailing.max_cost",
    "mailing.daily_budget",
    "mailing.price_unknown",
}
REASONS = {code for code in CODES if code.partition(".")[0] in ("gateway", "message", "expiry")} - NO_REASONS
REASONS |= {"client.gone", "client.opted_out", "consent.none", "consent.withdrawn", *OF_PAUSES}


def test_each_reason_has_an_advice_or_says_why_it_needs_none() -> None:
    assert set(ADVICE) | NEEDS_NONE == REASONS
    assert not set(ADVICE) & NEEDS_NONE


def test_the_advice_on_a_refused_message_names_what_a_person_checks() -> None:
    advice = advice_on(Text("gateway.message_refused", status=400))
    assert advice is not None
    assert "this number or this text" in str(advice)
    assert "номер" in advice.in_language("ru")
    assert advice_on(OTHER) is not None
    assert advice_on(Text("gateway.of_a_later_version")) is None


def test_a_silence_is_said_in_words_also_inside_another_reason() -> None:
    held = Text("expiry.held_back", reason=Text("gateway.silent", error="ConnectionError"))
    assert str(in_words(held)).endswith("did not answer: there was no connection, or it broke (ConnectionError).")
    assert in_words(held).in_language("ru").endswith("связь не установлена или оборвалась (ConnectionError).")
    slow, rare = (Text("gateway.silent", error=name) for name in ("ReadTimeout", "BadStatusLine"))
    assert "it took too long" in str(in_words(slow))
    assert in_words(rare) == rare
    later = Text("gateway.of_a_later_version", error="ReadTimeout", number=3)
    assert in_words(later) == later
