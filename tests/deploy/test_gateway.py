"""A deploy names what the provider of the gateway needs and does not have."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chalicelib.gateways import contract
from chalicelib.gateways.configured import read_gateways
from chalicelib.gateways.registry import NAMES
from chalicelib.settings import Settings
from infra.deploy import ROOT, DeployFailed
from infra.deploy.gateway import gateway_problems, inbound_problems, tokens_of, use_of_gateways

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


def test_a_token_of_another_form_is_refused_without_showing_it() -> None:
    [token] = tokens_of(Settings(gateway="twilio", stack_name="prod"))
    assert (token.variable, token.parameter) == ("GATEWAY_TOKEN", "/prod/gateway-token")
    assert token.given({}) is None
    assert token.given({"GATEWAY_TOKEN": "AC1:secret"}) == "AC1:secret"
    expected = "GATEWAY_TOKEN: ACCOUNT_SID:AUTH_TOKEN is expected by the gateway twilio"
    with pytest.raises(DeployFailed, match=expected) as refused:
        token.given({"GATEWAY_TOKEN": "my-secret"})
    assert "my-secret" not in str(refused.value)


def test_a_gateway_whose_role_is_enough_needs_no_token() -> None:
    assert tokens_of(Settings(gateway="aws")) == []


def test_each_of_several_gateways_has_a_token_of_its_own() -> None:
    first, last = {"name": "smsc-2", "gateway": "smsc", "codes": "900-919"}, {"name": "exolve", "sender": "SHOP"}
    gateways = read_gateways(json.dumps([first, {"name": "aws"}, last]))
    tokens = tokens_of(Settings(gateways=gateways, stack_name="prod"))
    assert [(token.variable, token.parameter) for token in tokens] == [
        ("GATEWAY_TOKEN_SMSC_2", "/prod/gateway-token-smsc-2"),
        ("GATEWAY_TOKEN_EXOLVE", "/prod/gateway-token-exolve"),
    ]
    with pytest.raises(DeployFailed, match="GATEWAY_TOKEN_SMSC_2: LOGIN:PASSWORD is expected by the gateway smsc-2"):
        tokens[0].given({"GATEWAY_TOKEN_SMSC_2": "anna"})


def test_an_option_that_the_provider_does_not_have_is_named() -> None:
    url = "https://sms.example.com"
    assert gateway_problems(Settings(gateway_options='{"account": "AC1"}'), url) == [
        "GATEWAY_OPTIONS: account: none is known by GATEWAY=contract"
    ]
    of_twilio = Settings(
        gateway="twilio", gateway_sender="SHOP", gateway_options='{"account": 1, "account_sid": "AC1"}'
    )
    assert gateway_problems(of_twilio, "") == ["GATEWAY_OPTIONS: account: account_sid is known by GATEWAY=twilio"]


def test_a_limit_of_a_balance_that_no_gateway_tells_is_named() -> None:
    def problems(balance_alarm: int | None, *gateways: dict[str, object]) -> list[str]:
        read = read_gateways(json.dumps(gateways))
        return gateway_problems(Settings(gateways=read, balance_alarm=balance_alarm), "")

    tells, silent = {"name": "smsc"}, {"name": "exolve", "sender": "SHOP"}
    assert problems(100, tells, silent) == problems(None, tells, silent) == []
    assert problems(100, silent) == [
        "BALANCE_ALARM: no gateway tells its balance; these providers do: "
        "infobip, jasmin, smsaero, smsc, smsru, twilio, vonage"
    ]
    [of_silent] = problems(100, tells, {**silent, "balance_alarm": 5})
    assert of_silent == "GATEWAYS, exolve: balance_alarm: this provider does not tell its balance"
    [missing] = problems(None, {**tells, "balance_alarm": 5})
    assert missing == "BALANCE_ALARM: an amount is expected, because smsc has a balance_alarm"


@pytest.mark.parametrize(
    ("gateways", "uses_aws", "asks_receipts"),
    [
        ([], "false", "false"),
        ([{"name": "smsc"}], "false", "false"),
        ([{"name": "smsc"}, {"name": "own", "gateway": "aws"}], "true", "false"),
        ([{"name": "smsc"}, {"name": "spare", "gateway": "smsru"}], "false", "true"),
    ],
)
def test_a_deploy_says_what_one_of_several_gateways_needs(
    gateways: list[dict[str, str]], uses_aws: str, asks_receipts: str
) -> None:
    read = read_gateways(json.dumps(gateways)) if gateways else ()
    needs = use_of_gateways(Settings(gateways=read))
    assert needs == {"GatewaysUseAws": uses_aws, "GatewaysAskReceipts": asks_receipts}
    assert needs.keys() <= set(PARAMETERS)


def test_a_topic_of_inbound_messages_needs_receipts() -> None:
    topic = {"InboundTopic": "arn:aws:sns:eu-central-1:123456789012:inbound"}
    assert inbound_problems(topic) == ["INBOUND_TOPIC: RECEIPTS=true is expected together with it"]
    assert inbound_problems({**topic, "Receipts": "true"}) == inbound_problems({}) == []
