"""What the table of Vonage cannot say."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from chalicelib.gateways.answer import Answer
from chalicelib.gateways.http_gateway import BODY_LIMIT
from chalicelib.gateways.port import Options
from chalicelib.gateways.vonage import KINDS, Vonage
from infra.local.providers.case import PLAIN
from infra.local.providers.vonage import TABLE, parts

from .contract_gateway import NOW


def fields_of(**changes: object) -> dict[str, list[str]]:
    post = Vonage(Options("https://rest.nexmo.com")).request(replace(PLAIN, **changes), TABLE.secret)
    return parse_qs(post.body.decode())


@pytest.mark.parametrize(
    ("text", "is_unicode"),
    [("Sale", False), ("[10 €] {à}", False), ("Скидка", True), ("«Sale»", True), ("ok 👍", True)],
)
def test_a_text_outside_of_the_gsm_alphabet_is_said_to_be_unicode(text: str, is_unicode: bool) -> None:
    assert fields_of(text=text).get("type") == (["unicode"] if is_unicode else None)


@pytest.mark.parametrize(("lifetime", "ttl"), [(3.0, "20000"), (60.0, "60000"), (1e6, "604800000")])
def test_the_lifetime_is_in_milliseconds_within_the_limits_of_vonage(lifetime: float, ttl: str) -> None:
    assert fields_of(lifetime=lifetime)["ttl"] == [ttl]


def test_a_number_as_the_sender_has_no_plus() -> None:
    assert fields_of(sender="+15550000009")["from"] == ["15550000009"]


def test_the_answer_to_the_longest_text_is_read_whole() -> None:
    assert len(parts(*["0"] * 24)) < BODY_LIMIT


def test_a_message_of_which_a_part_may_arrive_is_never_posted_again() -> None:
    for statuses in (("0", "1"), ("1", "0"), ("0", "10", "0")):
        outcome = Vonage(Options("")).outcome(Answer(200, parts(*statuses)), NOW)
        assert outcome.in_doubt
        assert outcome.is_off_contract


def test_every_status_has_a_case_in_the_table() -> None:
    in_table = " ".join(case.body for case in TABLE.answers)
    assert [status for status in KINDS if f'"status": "{status}"' not in in_table] == []
