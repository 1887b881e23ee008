from __future__ import annotations

import json

import pytest

from chalicelib.errors import BadSettings
from chalicelib.settings import Settings, read_settings


def test_no_setting_is_required_and_an_empty_one_counts_as_absent() -> None:
    assert read_settings({}) == read_settings({"GATEWAY_TIMEOUT": "", "STAGE": ""}) == Settings()


def test_a_setting_is_read_from_the_variable_of_its_name() -> None:
    settings = read_settings({"GATEWAY_URL": "https://sms.example.com/", "SENDER_THREADS": "7", "STACK_NAME": "a"})
    assert settings.gateway_url == "https://sms.example.com"
    assert settings.sender_threads == 7
    assert settings.gateway_token_parameter == "/a/gateway-token"
    assert settings.receipts_secret_parameter == "/a/receipts-secret"


def test_a_stage_is_local_only_if_it_is_named_so() -> None:
    assert not Settings().is_local
    assert Settings(stage="local").is_local


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_URL", "sms.example.com"),
        ("GATEWAY_URL", "ftp://sms.example.com"),
        ("GATEWAY_TIMEOUT", "0"),
        ("GATEWAY_TIMEOUT", "inf"),
        ("GATEWAY_TIMEOUT", "nan"),
        ("GATEWAY_TIMEOUT", "ten"),
        ("RECEIPTS", "perhaps"),
        ("SENDER_THREADS", "0"),
        ("SENDER_THREADS", "1.5"),
        ("MESSAGE_RETENTION_DAYS", "-1"),
        ("REPORT_RECIPIENTS", "anna"),
        ("REPORT_RECIPIENTS", "anna@example.com,"),
        ("REPORT_RECIPIENTS", "anna@example.com\nBcc: all@example.com"),
        ("REPORT_RECIPIENTS", ",".join(f"a{number}@example.com" for number in range(51))),
        ("REPORT_SENDER", "Reports <reports@example.com>"),
        ("REPORT_LANGUAGE", "de"),
        ("REPORT_TIME", "9:00"),
        ("REPORT_TIME", "24:00"),
        ("REPORT_TIMEZONE", "Moscow"),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_what_is_expected(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=rf"{name}: (?s:.*)(expected|such as)"):
        read_settings({name: value})


@pytest.mark.parametrize(
    ("environment", "is_accepted"),
    [
        ({"GATEWAY_URL": "http://sms.example.com"}, False),
        ({"GATEWAY_URL": "HTTP://10.0.0.7:9000"}, False),
        ({"GATEWAY_URL": "http://127.0.0.1.example.com"}, False),
        ({"GATEWAY_URL": "http://localhost@sms.example.com"}, False),
        ({"GATEWAY_URL": "http://sms.example.com", "STAGE": "prod"}, False),
        ({"GATEWAY_URL": "http://sms.example.com", "GATEWAY_PLAIN_HTTP": "false"}, False),
        ({"GATEWAY_URL": "http://sms.example.com", "GATEWAY_PLAIN_HTTP": "true"}, True),
        ({"GATEWAY_URL": "http://sms.example.com", "STAGE": "local"}, True),
        ({"GATEWAY_URL": "http://127.0.0.1:9000", "STAGE": "prod"}, True),
        ({"GATEWAY_URL": "http://[::1]:9000"}, True),
        ({"GATEWAY_URL": "http://localhost:9000"}, True),
        ({"GATEWAY_URL": "https://sms.example.com"}, True),
    ],
)
def test_an_address_without_tls_is_refused_outside_this_machine(environment: dict[str, str], is_accepted: bool) -> None:
    if is_accepted:
        assert read_settings(environment).gateway_url
    else:
        with pytest.raises(BadSettings, match=r"GATEWAY_URL: https://.*GATEWAY_PLAIN_HTTP=true"):
            read_settings(environment)


def test_all_wrong_values_are_named_at_once() -> None:
    with pytest.raises(BadSettings, match=r"GATEWAY_URL.*SENDER_THREADS"):
        read_settings({"GATEWAY_URL": "x", "SENDER_THREADS": "x"})


def test_recipients_are_a_list_without_duplicates() -> None:
    environment = {
        "REPORT_RECIPIENTS": "anna@example.com, oleg@example.com,anna@example.com",
        "REPORT_SENDER": "r@a.ru",
    }
    assert read_settings(environment).report_recipients == ("anna@example.com", "oleg@example.com")


def test_recipients_without_a_sender_are_refused() -> None:
    with pytest.raises(BadSettings, match="REPORT_SENDER"):
        read_settings({"REPORT_RECIPIENTS": "anna@example.com"})


def test_an_unknown_provider_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadSettings, match=r"GATEWAY: one of contract.* is expected"):
        read_settings({"GATEWAY": "contracts"})


def test_without_a_provider_the_gateway_follows_the_contract_and_detects_repeated_ids() -> None:
    assert read_settings({"GATEWAY_DEDUPES": "auto"}).gateway_dedupes
    assert not read_settings({"GATEWAY_DEDUPES": "false"}).gateway_dedupes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("GATEWAY_PRICE", value) for value in ("-1", "1,5", "0.0000001", "much")),
        *(("GATEWAY_CURRENCY", value) for value in ("rub", "RUBL", "₽")),
        ("DAILY_BUDGET", "-1"),
        *(("BALANCE_ALARM", value) for value in ("1,5", "--1", "-", "much")),
        ("GATEWAY_SENDER", "a" * 41),
        ("GATEWAY_SENDER", "a\n"),
        ("GATEWAY_OPTIONS", "[]"),
        ("GATEWAY_OPTIONS", "{"),
    ],
)
def test_a_wrong_setting_of_the_provider_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        read_settings({name: value})


def test_stop_words_are_separated_by_commas_or_a_list_in_json() -> None:
    expected = ("STOP", "не присылайте")
    assert read_settings({"STOP_WORDS": "STOP, не присылайте,STOP"}).stop_words == expected
    assert read_settings({"STOP_WORDS": json.dumps(expected)}).stop_words == expected
    for wrong in ("STOP,", "[1]", '["a"', "a" * 41, "[[]]"):
        with pytest.raises(BadSettings, match="STOP_WORDS"):
            read_settings({"STOP_WORDS": wrong})


def test_a_price_is_read_exactly_and_a_budget_needs_one() -> None:
    settings = read_settings({"GATEWAY_PRICE": "0.0079", "GATEWAY_CURRENCY": "USD", "DAILY_BUDGET": "100"})
    assert (settings.gateway_price, settings.gateway_currency, settings.daily_budget) == (7_900, "USD", 100_000_000)
    with pytest.raises(BadSettings, match="GATEWAY_PRICE: the price of an SMS part is expected"):
        read_settings({"DAILY_BUDGET": "100"})


def test_a_gateway_is_asked_for_its_balance_only_with_a_limit_and_if_its_provider_tells_it() -> None:
    assert read_settings({"GATEWAY": "smsc"}).balance_limits == {}
    assert read_settings({"GATEWAY": "smsc", "BALANCE_ALARM": "-12.5"}).balance_limits == {"smsc": -12_500_000}
    assert read_settings({"GATEWAY": "exolve", "BALANCE_ALARM": "100"}).balance_limits == {}
    gateways = '[{"name": "a", "gateway": "smsc", "balance_alarm": 5}, {"name": "b", "gateway": "smsc"}]'
    read = read_settings({"GATEWAYS": gateways, "BALANCE_ALARM": "100"})
    assert read.balance_limits == {"a": 5_000_000, "b": 100_000_000}
    with pytest.raises(BadSettings, match=r"\[0\].balance_alarm: an amount"):
        read_settings({"GATEWAYS": gateways.replace("5", '"5 RUB"')})
