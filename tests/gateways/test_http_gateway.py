"""The gateway's adapter against the simulator, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from chalicelib.domain.outcome import Kind
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.callback import Callback
from chalicelib.gateways.http_gateway import HttpGateway
from chalicelib.gateways.port import Options
from chalicelib.gateways.registry import provider
from chalicelib.gateways.twilio import Twilio
from infra.local.service import free_port
from infra.local.simulator import Simulator

from .contract_gateway import NOW, SILENCE, SMS, ContractGateway, KnownToken, post


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(token="secret").start()
    yield simulator
    simulator.stop()


@pytest.fixture
def gateway(simulator: Simulator) -> Iterator[ContractGateway]:
    gateway = ContractGateway(simulator.url, KnownToken("secret"), connections=2)
    yield gateway
    gateway.close()


def test_a_message_is_posted_as_the_contract_says(gateway: ContractGateway, simulator: Simulator) -> None:
    assert post(gateway) == Answer(200, '{"code": 0, "message": "OK"}')
    assert post(gateway).status == 200
    message = simulator.seen.messages[10_000_000_001]
    assert (message["text"], message["phone"], len(message["times"])) == ("Привет", "7977***0001", 2)
    assert simulator.seen.summary()["repeated"] == 1


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        ({"error_rate": 1.0}, 500),
        ({"garbage": True}, 200),
        ({"unauthorized": True}, 401),
        ({"throttle": 7}, 429),
        ({"refuse": (79770000001,)}, 400),
        ({"outage": True}, None),
    ],
)
def test_every_behaviour_of_the_gateway_becomes_an_answer(
    gateway: ContractGateway, simulator: Simulator, behaviour: dict[str, object], status: int | None
) -> None:
    simulator.behave(**behaviour)
    answer = post(gateway)
    assert answer.status == status
    assert answer.retry_after == ("7" if status == 429 else None)
    assert simulator.seen.accepted.total() == 0


def test_a_post_without_an_answer_ends_at_the_timeout(gateway: ContractGateway, simulator: Simulator) -> None:
    simulator.behave(hang=True)
    assert post(gateway, timeout=SILENCE) == Answer(None, "ReadTimeout")


def test_an_unreachable_gateway_becomes_an_answer() -> None:
    gateway = ContractGateway(f"http://127.0.0.1:{free_port()}", KnownToken("secret"), connections=1)
    answer = post(gateway)
    assert answer.status is None
    assert answer.never_sent
    gateway.close()


def test_a_refused_token_is_read_again(simulator: Simulator) -> None:
    token = KnownToken("old")
    gateway = ContractGateway(simulator.url, token, connections=1)
    assert gateway.post(SMS, 5).kind is Kind.CREDENTIALS
    assert token.expired == 1
    gateway.close()


def test_the_simulator_is_controlled_over_http_and_lists_what_it_received(
    gateway: ContractGateway, simulator: Simulator
) -> None:
    def control(**wanted: object) -> int:
        return requests.put(f"{simulator.url}/control", json=wanted, timeout=5).status_code

    assert control(latency=0.01, refuse=[79770000001]) == 200
    assert post(gateway).status == 400
    assert control(refuse=[]) == 200
    assert post(gateway).status == 200
    seen = requests.get(f"{simulator.url}/seen", timeout=5).json()
    assert (seen["requests"], seen["accepted"], seen["by_status"]) == (2, 1, {"400": 1, "200": 1})
    assert [one["id"] for one in requests.get(f"{simulator.url}/seen/messages", timeout=5).json()] == [10_000_000_001]
    assert control(reset=True) == 200
    assert simulator.seen.requests == 0
    for wrong in (
        {"speed": 1},
        {"error_rate": 2},
        {"receipts": 1.5},
        {"receipt_disorder": 1},
        {"receipt_forgery": 2},
        {"latency": "x"},
        {"hang": 1},
        {"throttle": -1},
    ):
        assert control(**wrong) == 400


def test_the_simulator_does_not_read_a_post_on_a_connection_that_was_idle_for_too_long(simulator: Simulator) -> None:
    simulator.behave(drops_idle=0.05)
    body = {"id": 7, "phone": 79770000001, "text": "text"}
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer secret"
        assert session.post(f"{simulator.url}/v1/send/7", json=body, timeout=5).ok
        time.sleep(0.1)
        with pytest.raises(requests.ConnectionError):
            session.post(f"{simulator.url}/v1/send/7", json=body, timeout=5)
        assert session.post(f"{simulator.url}/v1/send/7", json=body, timeout=5).ok
    assert simulator.seen.requests == 2


def test_a_token_of_another_form_stops_the_sender_and_leaves_no_message_in_doubt(simulator: Simulator) -> None:
    token = KnownToken("a-token-without-an-account")
    gateway = HttpGateway(Twilio(Options(simulator.url)), token, lambda: NOW, connections=1)
    outcome = gateway.post(SMS, 5)
    gateway.close()
    assert (outcome.kind, outcome.is_answered, token.expired) == (Kind.CREDENTIALS, False, 1)
    assert str(outcome.reason) == (
        "The settings of the gateway are wrong: GATEWAY_TOKEN: ACCOUNT_SID:AUTH_TOKEN is expected."
    )
    assert simulator.seen.requests == 0


@pytest.mark.parametrize(
    ("provider_name", "secret", "header"),
    [
        ("contract", "ключ", "Authorization"),
        ("exolve", "a\nb", "Authorization"),
        ("infobip", "\N{CYRILLIC SMALL LETTER ES}ecret", "Authorization"),
        ("kannel", "anna:a\rb", "X-Kannel-Password"),
        ("kannel", " anna:secret", "X-Kannel-Username"),
    ],
)
def test_a_secret_that_no_header_can_have_is_a_wrong_one_and_no_outage(
    simulator: Simulator, provider_name: str, secret: str, header: str
) -> None:
    token = KnownToken(secret)
    adapter = provider(provider_name).make_adapter(Options(simulator.url))
    gateway = HttpGateway(adapter, token, lambda: NOW, connections=1)
    outcome = gateway.post(SMS, 5)
    gateway.close()
    assert (outcome.kind, outcome.is_answered, token.expired) == (Kind.CREDENTIALS, False, 1)
    assert f"GATEWAY_TOKEN: Latin letters without line breaks are expected by the header {header}" in str(
        outcome.reason
    )
    assert secret not in str(outcome.reason)
    assert simulator.seen.requests == 0


def test_no_message_is_claimed_while_the_secret_of_receipts_cannot_be_read(simulator: Simulator) -> None:
    class Unreadable(KnownToken):
        def value(self) -> str:
            raise PermissionError("the secret of receipts")

    token = KnownToken("AC1:token")
    callback = Callback("https://sms.example.com/Receipts", "twilio", Unreadable(""))
    gateway = HttpGateway(Twilio(Options(simulator.url)), token, lambda: NOW, connections=1, callback=callback)
    with pytest.raises(PermissionError):
        gateway.prepare()
    gateway.close()
