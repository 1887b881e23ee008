"""What the table of Twilio cannot say."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from chalicelib.errors import BadSettings
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.port import Options
from chalicelib.gateways.twilio import KINDS, Twilio
from infra.local.providers.case import SMS
from infra.local.providers.twilio import ACCOUNT, TABLE

from .contract_gateway import NOW

SERVICE = "MG00000000000000000000000000000000"
URL = "https://api.twilio.com"


def fields_of(**changes: object) -> dict[str, list[str]]:
    return parse_qs(Twilio(Options(URL)).request(replace(SMS, **changes), TABLE.secret).body.decode())


def test_a_messaging_service_is_told_from_a_sender_name_that_begins_with_the_same_letters() -> None:
    assert fields_of(sender=SERVICE)["MessagingServiceSid"] == [SERVICE]
    assert "From" not in fields_of(sender=SERVICE)
    assert fields_of(sender="MGMARKET")["From"] == ["MGMARKET"]
    assert fields_of(sender="+15550000009")["From"] == ["+15550000009"]


@pytest.mark.parametrize(("lifetime", "period"), [(0.2, "1"), (90.5, "91"), (36_000.0, "36000"), (86_400.0, "36000")])
def test_the_lifetime_is_in_seconds_and_at_most_ten_hours(lifetime: float, period: str) -> None:
    assert fields_of(lifetime=lifetime)["ValidityPeriod"] == [period]


def test_an_api_key_posts_for_the_account_in_the_options() -> None:
    request = Twilio(Options(URL, {"account_sid": ACCOUNT})).request(SMS, "SK1:secret")
    assert request.url == f"{URL}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert request.headers["Authorization"] == "Basic U0sxOnNlY3JldA=="


def test_a_secret_without_the_account_is_refused() -> None:
    with pytest.raises(BadSettings, match="GATEWAY_TOKEN: ACCOUNT_SID:AUTH_TOKEN is expected"):
        Twilio(Options(URL)).request(SMS, "token")


def test_every_code_has_a_case_in_the_table() -> None:
    in_table = " ".join(case.body for case in TABLE.answers)
    assert [code for code in KINDS if f'"code": {code},' not in in_table] == []


def test_an_internal_error_with_a_code_is_an_outage_and_no_answer_outside_of_the_protocol() -> None:
    for status, is_off_contract in ((500, False), (503, False), (400, True)):
        outcome = Twilio(Options("")).outcome(Answer(status, '{"code": 20500, "message": "Internal error"}'), NOW)
        assert outcome.in_doubt
        assert outcome.is_off_contract is is_off_contract
