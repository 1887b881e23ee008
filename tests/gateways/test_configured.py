"""GATEWAYS: several gateways in their order, with the place of each mistake."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.errors import BadSettings
from chalicelib.gateways.configured import read_gateways
from chalicelib.settings import Settings, read_settings

SMSC = {"name": "smsc", "codes": "900-919,977", "rate": 5}
EXOLVE = {"name": "spare", "gateway": "exolve", "sender": "SHOP"}


def read(*gateways: dict[str, Any]) -> Settings:
    return read_settings({"GATEWAYS": json.dumps(gateways)})


def test_without_the_list_there_is_one_gateway_with_the_name_of_its_provider() -> None:
    [only] = read_settings({"GATEWAY_RATE": "7"}).gateway_by_name.values()
    assert (only.name, only.provider, only.dedupes, only.rate, only.codes) == ("contract",) * 2 + (
        True,
        7.0,
        frozenset(),
    )


def test_a_gateway_takes_from_its_provider_what_is_not_set() -> None:
    first, second = read(SMSC, EXOLVE).gateway_by_name.values()
    assert (first.provider, first.url, first.dedupes, first.rate) == ("smsc", "https://smsc.ru", False, 5.0)
    assert (second.name, second.provider, second.url, second.sender) == (
        "spare",
        "exolve",
        "https://api.exolve.ru",
        "SHOP",
    )


def test_a_message_goes_to_the_gateways_of_its_operator_in_their_order() -> None:
    routes = read(SMSC, EXOLVE).routes
    assert routes.of("905") == ("smsc", "spare")
    assert routes.of("977") == ("smsc", "spare")
    assert routes.of("920") == ("spare",)
    assert not routes.is_last("905", "smsc")
    assert routes.is_last("905", "spare")
    assert routes.is_last("920", "spare")


def test_each_gateway_has_a_secret_of_its_own() -> None:
    settings = read(SMSC, EXOLVE)
    assert settings.token_parameter_of("spare") == "/notifications/gateway-token-spare"
    assert read_settings({}).token_parameter_of("contract") == "/notifications/gateway-token"


def test_the_gateways_together_have_a_limit_only_if_each_has_one() -> None:
    assert read(SMSC, EXOLVE).total_rate is None
    assert read(SMSC, {**EXOLVE, "rate": 20}).total_rate == 25.0


def test_a_spare_gateway_adds_nothing_to_the_rate() -> None:
    settings = read({"name": "smsc", "rate": 5}, {**EXOLVE, "spare": True})
    assert settings.total_rate == 5.0
    assert settings.routes.spares == {"spare"}


def test_a_plain_address_of_any_gateway_is_refused() -> None:
    with pytest.raises(BadSettings, match="https:// is expected"):
        read(SMSC, {**EXOLVE, "url": "http://sms.example.com"})


@pytest.mark.parametrize(
    ("gateways", "expected"),
    [
        ([], "a list of 1 to 10 gateways"),
        ([7], r"\[0\]: an object is expected"),
        ([{}], r"\[0\].name: a name of small letters"),
        ([{"name": "a b"}], r"\[0\].name: a name of small letters"),
        ([EXOLVE, {"name": "other"}], r"\[1\].gateway: one of contract"),
        ([EXOLVE, EXOLVE], "two gateways have the name spare"),
        ([SMSC], "a gateway without codes, and not spare, is expected"),
        ([{**EXOLVE, "spare": True}], "a gateway without codes, and not spare, is expected"),
        ([{**EXOLVE, "spare": 1}], r"\[0\].spare: true or false"),
        ([{**EXOLVE, "colour": "red"}], r"\[0\].colour: there is no such setting"),
        ([{**EXOLVE, "url": "sms"}], r"\[0\].url: an address"),
        ([{"name": "jasmin"}], r"\[0\].url: an address"),
        ([{"name": "twilio"}], r"\[0\].sender: a name or number"),
        ([{**EXOLVE, "options": []}], r"\[0\].options: an object"),
        ([{**EXOLVE, "options": {"a": 1}}], r"\[0\].options.a: known are none"),
        ([{**EXOLVE, "dedupes": True}], r"\[0\].dedupes: this provider does not detect"),
        ([{**EXOLVE, "dedupes": "no"}], r"\[0\].dedupes: true or false"),
        ([{**EXOLVE, "refuses_by_code": True}], r"\[0\].refuses_by_code: it is a setting of the gateway contract"),
        ([{**EXOLVE, "rate": 0}], r"\[0\].rate: a number"),
        ([{**EXOLVE, "rate": True}], r"\[0\].rate: a number"),
        ([{**EXOLVE, "codes": "800"}], r"\[0\].codes: operator codes"),
        ([{**EXOLVE, "codes": 977}], r"\[0\].codes: operator codes"),
        ([{**EXOLVE, "codes": "919-900"}, {"name": "smsru"}], r"\[0\].codes: operator codes"),
    ],
)
def test_a_mistake_is_named_with_its_place(gateways: list[Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        read_gateways(json.dumps(gateways))
    with pytest.raises(BadSettings, match=f"GATEWAYS: .*{expected}"):
        read_settings({"GATEWAYS": json.dumps(gateways)})


def test_each_gateway_can_have_a_price_of_its_own() -> None:
    both = json.dumps([{**SMSC, "price": 3.5}, {**EXOLVE, "price": "2"}])
    assert read_settings({"GATEWAYS": both}).price_by_gateway == {"smsc": 3_500_000, "spare": 2_000_000}
    one = json.dumps([{**SMSC, "price": 3.5}, EXOLVE])
    assert read_settings({"GATEWAYS": one, "GATEWAY_PRICE": "1"}).price_by_gateway == {
        "smsc": 3_500_000,
        "spare": 1_000_000,
    }
    assert read_settings({"GATEWAYS": one}).price_by_gateway is None
    with pytest.raises(BadSettings, match="GATEWAY_PRICE"):
        read_settings({"GATEWAYS": one, "DAILY_BUDGET": "10"})
    with pytest.raises(BadSettings, match=r"\[0\].price"):
        read_settings({"GATEWAYS": json.dumps([{**SMSC, "price": "1,5"}, EXOLVE])})
