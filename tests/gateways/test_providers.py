"""Each adapter fills the port as its provider's table (infra/local/providers) says."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.money import UNIT, Amount, read_amount
from chalicelib.domain.outcome import REFUSED, TAKEN, Kind, Outcome
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.registry import NAMES, provider
from infra.local.providers.case import SMS, Case, Expected, Table
from tests.depth import depth

from .contract_gateway import NOW

BODIES = st.text(max_size=200) | st.sampled_from(["{}", "[]", "null", "0", '{"messages": [{}]}', "[" * 5_000])


def table_of(name: str) -> Table:
    table: Table = import_module(f"infra.local.providers.{name}").TABLE
    return table


def amount_of(price: str) -> Amount | None:
    """`0.05 EUR`, as a table says it."""
    value, _, currency = price.partition(" ")
    return Amount(read_amount(value), currency) if price else None


POSTS = [(name, expected) for name in NAMES for expected in table_of(name).posts]
ANSWERS = [(name, case) for name in NAMES for case in table_of(name).answers]


@pytest.mark.parametrize(("name", "expected"), POSTS)
def test_a_message_is_posted_as_the_provider_documents_it(name: str, expected: Expected) -> None:
    table = table_of(name)
    request = provider(name).make_adapter(table.options).request(expected.sms, table.secret)
    assert (request.url, request.body.decode()) == (expected.url, expected.body)
    assert {header: request.headers.get(header) for header in expected.headers} == expected.headers


@pytest.mark.parametrize(("name", "case"), ANSWERS, ids=[f"{name}: {case.name}" for name, case in ANSWERS])
def test_an_answer_means_what_the_table_of_the_provider_says(name: str, case: Case) -> None:
    outcome = (
        provider(name).make_adapter(table_of(name).options).outcome(Answer(case.status, case.body, case.header), NOW)
    )
    assert (outcome.kind, outcome.retry_after) == (case.kind, case.retry_after)
    assert (outcome.reason is None) == outcome.sent
    assert (outcome.parts, outcome.price) == (case.parts, amount_of(case.price))
    assert (outcome.kind is Kind.PERMANENT) == (outcome.reason is not None and outcome.reason.code in REFUSED)


@pytest.mark.parametrize("name", NAMES)
def test_silence_after_the_request_is_ambiguous_and_before_it_temporary(name: str) -> None:
    adapter = provider(name).make_adapter(table_of(name).options)
    assert adapter.outcome(Answer(None, "ReadTimeout"), NOW).kind is Kind.AMBIGUOUS
    unsent = adapter.outcome(Answer(None, "ConnectTimeout", never_sent=True), NOW)
    assert (unsent.kind, unsent.never_sent) == (Kind.TEMPORARY, True)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_has_an_accepted_answer_and_one_for_wrong_credentials(name: str) -> None:
    kinds = {case.kind for case in table_of(name).answers}
    assert {Kind.ACCEPTED, Kind.CREDENTIALS, Kind.PERMANENT, Kind.AMBIGUOUS} <= kinds


@pytest.mark.parametrize("name", NAMES)
@given(st.integers(100, 999), BODIES, st.none() | st.text(max_size=20))
@settings(max_examples=depth(full=200, quick=40))
def test_any_answer_has_an_outcome_that_shows_nothing_of_it(name: str, status: int, body: str, header: str) -> None:
    outcome = provider(name).make_adapter(table_of(name).options).outcome(Answer(status, body, header), NOW)
    assert (outcome.reason is None) == outcome.sent
    assert not outcome.sent or status < 300
    assert_is_possible(outcome)


@pytest.mark.parametrize("name", NAMES)
def test_a_reason_contains_no_phone_number(name: str) -> None:
    adapter = provider(name).make_adapter(table_of(name).options)
    for case in table_of(name).answers:
        assert SMS.phone_number not in str(adapter.outcome(Answer(case.status, case.body, case.header), NOW).reason)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("odd", ["[]", "{}", "null", "true", "1e999", "-1", "NaN", "1e-7", "9" * 400])
def test_an_odd_value_in_a_documented_answer_raises_nothing(name: str, odd: str) -> None:
    adapter = provider(name).make_adapter(table_of(name).options)
    for case in table_of(name).answers:
        for part in set(re.findall(r'(?<=[:\[,] )(?:"[^"]*"|-?\d+(?:\.\d+)?)|(?<=:)(?:"[^"]*"|-?\d+)', case.body)):
            outcome = adapter.outcome(Answer(case.status, case.body.replace(part, odd), case.header), NOW)
            assert (outcome.reason is None) == outcome.sent
            assert_is_possible(outcome)


def assert_is_possible(outcome: Outcome) -> None:
    """What it says about parts and price could be counted."""
    assert outcome.parts is None or (outcome.kind in TAKEN and 0 < outcome.parts < 256)
    assert outcome.price is None or (outcome.kind in TAKEN and 0 <= outcome.price.value <= 256 * 10**9 * UNIT)
