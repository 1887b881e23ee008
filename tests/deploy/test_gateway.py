"""A deploy names what the provider of the gateway needs and does not have."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chalicelib.gateways import contract
from chalicelib.gateways.registry import NAMES
from chalicelib.settings import Settings
from infra.deploy import ROOT, DeployFailed
from infra.deploy.gateway import gateway_problems, require_form

PARAMETERS = json.loads((ROOT / "infra" / "stack.json").read_text())["Parameters"]


def test_the_template_allows_the_providers_that_have_an_adapter() -> None:
    assert PARAMETERS["Gateway"]["AllowedValues"] == list(NAMES)


def test_an_address_is_expected_if_the_provider_has_none_of_its_own() -> None:
    [problem] = gateway_problems(Settings(), "")
    assert problem == "GATEWAY_URL: the address of the gateway is expected by GATEWAY=contract"
    assert gateway_problems(Settings(), "https://sms.example.com") == []


def test_a_sender_is_expected_if_the_provider_sends_nothing_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "CAPABILITIES", replace(contract.CAPABILITIES, needs_sender=True))
    [problem] = gateway_problems(Settings(), "https://sms.example.com")
    assert problem.startswith("GATEWAY_SENDER: ")
    assert gateway_problems(Settings(gateway_sender="SHOP"), "https://sms.example.com") == []


def test_a_token_of_another_form_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "CAPABILITIES", replace(contract.CAPABILITIES, key_form="LOGIN:PASSWORD"))
    require_form(Settings(), None)
    require_form(Settings(), "anna:secret")
    with pytest.raises(DeployFailed, match="GATEWAY_TOKEN: LOGIN:PASSWORD is expected by GATEWAY=contract") as refused:
        require_form(Settings(), "my-secret")
    assert "my-secret" not in str(refused.value)


def test_an_option_that_the_provider_does_not_have_is_named() -> None:
    url = "https://sms.example.com"
    assert gateway_problems(Settings(gateway_options='{"account": "AC1"}'), url) == [
        "GATEWAY_OPTIONS: account: none is known by GATEWAY=contract"
    ]
    of_twilio = Settings(
        gateway="twilio", gateway_sender="SHOP", gateway_options='{"account": 1, "account_sid": "AC1"}'
    )
    assert gateway_problems(of_twilio, "") == ["GATEWAY_OPTIONS: account: account_sid is known by GATEWAY=twilio"]
