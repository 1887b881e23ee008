"""The simulator of each provider, against its adapter over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.outcome import Kind, Outcome
from chalicelib.gateways.http_gateway import HttpGateway
from chalicelib.gateways.port import Options, Sms
from chalicelib.gateways.registry import NAMES, provider
from infra.local.behaviour import KINDS, Behaviour
from infra.local.providers.case import SMS, Case
from infra.local.providers.form import Received, content_id
from infra.local.providers.registry import SimulatedProvider
from infra.local.simulator import Simulator
from tests.depth import depth

from .contract_gateway import NOW, SILENCE, KnownToken

PHONE = int(SMS.phone_number)
ON = {"throttle": 7, "error_rate": 1.0, "refuse": (PHONE,), "opted_out": (PHONE,), "fail_for": (PHONE,)}
"""The values that make a post fail. The other behaviours are true."""

MISSING = {
    "opted_out": {"contract", "exolve", "jasmin", "kannel", "smsaero", "smsc"},
    "no_balance": {"contract", "kannel"},
    "sender_refused": {"contract"},
    "throttle": {"kannel"},
}
"""The answers that a provider does not have, or that nobody has documented."""

NAME_PAUSES = ["contract", "twilio", "infobip", "vonage", "exolve", "http", "smsaero"]
NEED_SENDERS = [name for name in NAMES if provider(name).CAPABILITIES.needs_sender]

TEXTS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(str.strip)


@pytest.fixture(params=NAMES)
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    simulator = Simulator(provider=request.param).start()
    yield simulator
    simulator.stop()


def post(simulator: Simulator, sms: Sms = SMS, token: str = "", timeout: float = 5) -> Outcome:
    adapter = provider(simulator.provider.name).make_adapter(options_at(simulator))
    gateway = HttpGateway(adapter, KnownToken(token or simulator.token), lambda: NOW, connections=1)
    try:
        return gateway.post(sms, timeout)
    finally:
        gateway.close()


def options_at(simulator: Simulator) -> Options:
    return replace(simulator.provider.table.options, url=simulator.gateway_url)


def test_a_message_is_accepted_and_seen(simulator: Simulator) -> None:
    assert post(simulator).kind is Kind.ACCEPTED
    (seen,) = simulator.seen.messages.values()
    assert (seen["text"], seen["phone"]) == (SMS.text, "7977***3329")
    assert simulator.seen.summary()["repeated"] == 0


def test_a_repeated_message_is_counted_unless_the_provider_detects_it(simulator: Simulator) -> None:
    kinds = [post(simulator).kind for _ in range(2)]
    detects = simulator.provider.duplicate is not None
    assert kinds == [Kind.ACCEPTED, Kind.DUPLICATE if detects else Kind.ACCEPTED]
    assert simulator.seen.summary()["repeated"] == (0 if detects else 1)


@pytest.mark.parametrize("behaviour", KINDS)
def test_every_behaviour_has_the_outcome_of_its_kind(simulator: Simulator, behaviour: str) -> None:
    name = simulator.provider.name
    if name in MISSING.get(behaviour, ()):
        with pytest.raises(ValueError, match=f'"{behaviour}": {name} has no such answer'):
            simulator.behave(**{behaviour: ON.get(behaviour, True)})
        return
    simulator.behave(**{behaviour: ON.get(behaviour, True)})
    outcome = post(simulator)
    is_fault = behaviour in ("error_rate", "fail_for") and name == "contract"
    assert outcome.kind is (Kind.TEMPORARY if is_fault else KINDS[behaviour])
    assert not simulator.seen.accepted
    assert simulator.seen.unclear == (outcome.kind is Kind.AMBIGUOUS)


@pytest.mark.parametrize(
    "simulator", ["contract", "twilio", "infobip", "vonage", "exolve", "http", "smsaero"], indirect=True
)
def test_a_provider_that_names_a_pause_names_the_one_of_the_behaviour(simulator: Simulator) -> None:
    simulator.behave(throttle=11)
    assert post(simulator).retry_after == 11.0


def test_an_outage_is_seen_as_no_clear_answer(simulator: Simulator) -> None:
    simulator.behave(outage=True)
    assert post(simulator).kind is Kind.AMBIGUOUS
    assert (simulator.seen.unclear, simulator.seen.accepted.total()) == (1, 0)


@pytest.mark.parametrize("simulator", ["contract"], indirect=True)
def test_silence_is_seen_as_no_clear_answer(simulator: Simulator) -> None:
    """It takes two seconds, and the simulator is silent before it knows the provider."""
    simulator.behave(hang=True)
    assert post(simulator, timeout=SILENCE).kind is Kind.AMBIGUOUS
    assert (simulator.seen.unclear, simulator.seen.accepted.total()) == (1, 0)


@pytest.mark.parametrize("simulator", [name for name in NAMES if provider(name).CAPABILITIES.key_form], indirect=True)
def test_other_credentials_are_refused(simulator: Simulator) -> None:
    can = provider(simulator.provider.name).CAPABILITIES
    wrong = ":".join("wrong" for _ in can.key_form.split(":"))
    assert post(simulator, token=wrong).kind is Kind.CREDENTIALS
    assert not simulator.seen.accepted


def test_a_wrong_phone_number_is_refused(simulator: Simulator) -> None:
    """The contract's number is any whole number."""
    wrong = replace(SMS, phone_number="0" if simulator.provider.name == "contract" else "7977")
    assert post(simulator, wrong).kind is Kind.PERMANENT
    assert not simulator.seen.accepted


@pytest.mark.parametrize("simulator", NEED_SENDERS, indirect=True)
def test_a_required_sender_is_missed(simulator: Simulator) -> None:
    assert not post(simulator, replace(SMS, sender="")).sent
    assert not simulator.seen.accepted


def test_an_impossible_behaviour_is_refused_over_http_by_name() -> None:
    simulator = Simulator(provider="kannel").start()
    answer = requests.put(f"{simulator.url}/control", json={"latency": 1, "throttle": 3}, timeout=5)
    simulator.stop()
    assert (answer.status_code, answer.json()) == (400, {"detail": '"throttle": kannel has no such answer.'})
    assert simulator.behaviour == Behaviour()


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_and_garbage_would_not_be_taken_for_a_success(name: str) -> None:
    simulated = SimulatedProvider(name)
    for behaviour in ("error_rate", "fail_for", "garbage"):
        case = simulated.answer(behaviour)
        assert case is not None
        assert case.kind in (Kind.AMBIGUOUS, Kind.TEMPORARY)


@pytest.mark.parametrize("name", NAMES)
@given(TEXTS, st.integers(10**9, 10**14), st.integers(1, 2**63 - 1), st.sampled_from(["SHOP", "+15550000009"]))
@settings(max_examples=depth(full=100, quick=20))
def test_the_simulator_reads_what_the_adapter_has_posted(
    name: str, text: str, phone: int, number: int, sender: str
) -> None:
    sms = Sms(number, str(phone), text, sender, lifetime=7200.0)
    read = read_by_simulator(SimulatedProvider(name), sms)
    assert isinstance(read, Sms)
    assert (read.phone_number, read.text) == (sms.phone_number, text)
    assert read.id in (number, content_id(sms.phone_number, text))
    assert read.sender in (sender, sender.removeprefix("+"), "")
    assert read.lifetime in (7200.0, None)


def read_by_simulator(simulated: SimulatedProvider, sms: Sms) -> Sms | Case:
    request = provider(simulated.name).make_adapter(simulated.table.options).request(sms, simulated.secret)
    by_id = {"id": str(sms.id)}
    path = {"contract": by_id, "http": by_id, "twilio": {"account": simulated.secret.partition(":")[0]}}
    received = Received(path.get(simulated.name, {}), request.headers, request.body.decode(), simulated.secret)
    return simulated.read(received)
