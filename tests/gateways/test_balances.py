"""The balances of accounts: the questions and the answers of each provider, and its simulator over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.money import MAX_AMOUNT, UNIT, Amount, read_level
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.balances.port import BalanceQuestion, Told
from chalicelib.gateways.balances.registry import NAMES, balance_form
from chalicelib.gateways.http_gateway import HttpGateway
from chalicelib.gateways.registry import provider
from infra.local.providers.balances import BALANCES
from infra.local.providers.registry import table_of
from infra.local.simulator import Simulator
from tests.depth import depth

from .contract_gateway import NOW, SILENCE, KnownToken

ANSWERS = [(name, told) for name in NAMES for told in BALANCES[name].answers]
BODIES = st.text(max_size=200) | st.sampled_from(
    ["{}", "[]", "null", "[" * 5_000, '{"balance": 1e400}', '{"value": []}']
)


def amount_of(balance: str) -> Amount | None:
    """`97.5 RUB`, as a table says it."""
    value, _, currency = balance.partition(" ")
    return Amount(read_level(value), currency) if balance else None


def test_each_provider_that_tells_a_balance_has_a_table() -> None:
    assert set(NAMES) == set(BALANCES)
    with pytest.raises(KeyError):
        balance_form("contract")


@pytest.mark.parametrize("name", NAMES)
def test_the_balance_is_asked_as_the_provider_documents_it(name: str) -> None:
    table, expected = table_of(name), BALANCES[name]
    request = balance_form(name).request(table.options, table.secret)
    assert (request.method, request.url, request.body.decode()) == (expected.method, expected.url, expected.body)
    assert dict(request.headers) == dict(expected.headers)


@pytest.mark.parametrize(("name", "told"), ANSWERS, ids=[f"{name}: {told.name}" for name, told in ANSWERS])
def test_an_answer_means_the_balance_that_the_table_says(name: str, told: object) -> None:
    assert balance_form(name).balance(Answer(told.status, told.body)) == amount_of(told.balance)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NAMES)
@given(st.integers(100, 999), BODIES)
@settings(max_examples=depth(full=200, quick=40))
def test_any_answer_is_a_possible_balance_or_none(name: str, status: int, body: str) -> None:
    assert_is_possible(balance_form(name).balance(Answer(status, body)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("odd", ["[]", "{}", "null", "true", "1e999", "NaN", "9" * 400, '"a lot"'])
def test_an_odd_value_in_a_documented_answer_raises_nothing(name: str, odd: str) -> None:
    for told in BALANCES[name].answers:
        for part in set(re.findall(r'(?<=: )(?:"[^"]*"|-?\d+(?:\.\d+)?)', told.body)):
            assert_is_possible(balance_form(name).balance(Answer(told.status, told.body.replace(part, odd))))


def assert_is_possible(balance: Amount | None) -> None:
    assert balance is None or abs(balance.value) <= MAX_AMOUNT * UNIT
    assert balance is None or re.fullmatch("([A-Z]{3})?", balance.currency)


@pytest.fixture(params=NAMES)
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    simulator = Simulator(provider=request.param).start()
    yield simulator
    simulator.stop()


def ask(simulator: Simulator, token: str = "", timeout: float = 5) -> Told:
    name = simulator.provider.name
    options = replace(simulator.provider.table.options, url=simulator.gateway_url)
    secret = KnownToken(token or simulator.token)
    gateway = HttpGateway(provider(name).make_adapter(options), secret, lambda: NOW, connections=1)
    try:
        return BalanceQuestion(balance_form(name), options, secret, gateway.answer_to).ask(timeout)
    finally:
        gateway.close()


def test_the_simulator_tells_its_balance_to_those_who_may_ask(simulator: Simulator) -> None:
    told = ask(simulator)
    assert told.balance is not None
    assert told.balance.value == 1000 * UNIT
    simulator.behave(balance=12.5)
    assert ask(simulator) == Told(Amount(12_500_000, told.balance.currency))
    wrong = ":".join("wrong" for _ in provider(simulator.provider.name).CAPABILITIES.key_form.split(":"))
    assert ask(simulator, wrong).problem.startswith("status ")
    assert simulator.questions == 3
    assert simulator.seen.requests == 0, "a question is no post"


def test_an_outage_and_an_error_are_problems_and_no_balance(simulator: Simulator) -> None:
    simulator.behave(outage=True)
    assert ask(simulator).problem.startswith("no answer: ")
    simulator.behave(garbage=True)
    assert ask(simulator) == Told(problem="status 200")


@pytest.mark.parametrize("simulator", NAMES[:1], indirect=True)
def test_silence_is_a_problem_and_no_balance(simulator: Simulator) -> None:
    """It takes two seconds. Of an answer that does not come, a provider sees what it sees in an outage."""
    simulator.behave(hang=True)
    assert ask(simulator, timeout=SILENCE).problem.startswith("no answer: ")


def test_an_answer_without_a_balance_may_refuse_the_secret_and_silence_does_not() -> None:
    form, options = balance_form("smsru"), table_of("smsru").options
    for answer, expired in (
        (Answer(401, ""), 1),
        (Answer(200, '{"status_code": 200}'), 1),
        (Answer(None, "Timeout"), 0),
    ):
        secret = KnownToken("id")
        assert BalanceQuestion(form, options, secret, lambda *_, answer=answer: answer).ask(1).balance is None
        assert secret.expired == expired


@pytest.mark.parametrize("name", [name for name in NAMES if ":" in provider(name).CAPABILITIES.key_form])
def test_a_secret_of_another_form_is_a_problem_that_does_not_show_it(name: str) -> None:
    def unreachable(*_: object) -> Answer:
        raise AssertionError("nothing is to be asked")

    told = BalanceQuestion(balance_form(name), table_of(name).options, KnownToken("half"), unreachable).ask(1)
    assert told.balance is None
    assert "GATEWAY_TOKEN" in told.problem
    assert "half" not in told.problem
