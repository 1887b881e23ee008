"""What the table of SMSC cannot say."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from chalicelib.domain.money import Amount
from chalicelib.errors import BadSettings
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.port import Options
from chalicelib.gateways.smsc import KINDS, Smsc
from infra.local.providers.case import SMS
from infra.local.providers.smsc import TABLE, accept

from .contract_gateway import NOW

SMSC = Smsc(Options("https://smsc.kz"))


def fields_of(**changes: object) -> dict[str, list[str]]:
    return parse_qs(SMSC.request(replace(SMS, **changes), TABLE.secret).body.decode())


@pytest.mark.parametrize(("lifetime", "hours"), [(1.0, "1"), (3601.0, "2"), (86_400.0, "24"), (900_000.0, "24")])
def test_the_lifetime_is_in_hours_from_one_to_twenty_four(lifetime: float, hours: str) -> None:
    assert fields_of(lifetime=lifetime)["valid"] == [hours]


def test_the_longest_id_has_a_form_that_smsc_takes() -> None:
    [number] = fields_of(id=2**63 - 1)["id"]
    assert number == "m9223372036854775807"
    assert len(number) <= 40


def test_the_site_of_another_country_is_named_by_the_address() -> None:
    assert SMSC.request(SMS, TABLE.secret).url == "https://smsc.kz/sys/send.php"


def test_the_login_and_the_password_are_not_in_the_address() -> None:
    assert "cret" not in SMSC.request(SMS, TABLE.secret).url


def test_a_login_without_a_password_is_refused() -> None:
    with pytest.raises(BadSettings, match="GATEWAY_TOKEN: LOGIN:PASSWORD is expected"):
        SMSC.request(SMS, "demo")


def test_the_cost_is_asked_for_and_read_if_the_options_name_its_currency() -> None:
    in_tenge = Smsc(Options("https://smsc.kz", {"currency": "KZT"}))
    assert parse_qs(in_tenge.request(SMS, TABLE.secret).body.decode())["cost"] == ["2"]
    assert in_tenge.outcome(Answer(200, accept(SMS, 1)), NOW).price == Amount(2_500_000, "KZT")
    assert "cost" not in fields_of()
    assert SMSC.outcome(Answer(200, accept(SMS, 1)), NOW).price is None, "nobody knows its currency"


@pytest.mark.parametrize("currency", ["rub", "₽", 643, ["RUB"]])
def test_a_currency_that_is_none_is_refused(currency: object) -> None:
    with pytest.raises(BadSettings, match="currency: three capital letters"):
        Smsc(Options("https://smsc.ru", {"currency": currency}))


def test_every_code_has_a_case_in_the_table() -> None:
    in_table = " ".join(case.body for case in TABLE.answers)
    assert [code for code in KINDS if f'"error_code": {code}' not in in_table] == []
