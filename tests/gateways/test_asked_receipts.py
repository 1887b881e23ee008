"""The providers that are asked about deliveries: the question, and what each answer means, as their tables say."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.services import Services
from chalicelib.domain.asking import PROVIDER_ID
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.asker import Asker
from chalicelib.gateways.port import Request
from chalicelib.gateways.receipts.registry import ASKED, NAMES, asked_form
from chalicelib.gateways.registry import provider
from chalicelib.settings import Settings
from infra.local.providers.case import SMS
from infra.local.providers.receipts.case import MESSAGE_ID, NOW, AskedCase, AskedTable
from infra.local.providers.registry import table_of
from infra.local.providers.smsru import read, statuses
from infra.local.simulator import Simulator
from tests.depth import depth

from .contract_gateway import KnownToken


def asked_table(name: str) -> AskedTable:
    table: AskedTable = import_module(f"infra.local.providers.receipts.{name}").TABLE
    return table


def asked(name: str) -> dict[str, int]:
    return {one: MESSAGE_ID + number for number, one in enumerate(asked_table(name).names)}


CASES = [(name, case) for name in ASKED for case in asked_table(name).cases]


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case.name}" for name, case in CASES])
def test_an_answer_means_what_the_table_of_the_provider_says(name: str, case: AskedCase) -> None:
    form = asked_form(name)
    assert form is not None
    assert form.read(Answer(case.status, case.body), asked(name), NOW) == case.means


@pytest.mark.parametrize("name", ASKED)
def test_every_status_has_a_case_in_the_table(name: str) -> None:
    statuses = set(import_module(f"chalicelib.gateways.receipts.{name}").STATUSES)
    assert statuses <= {word for case in asked_table(name).cases for word in case.name.split()}


@pytest.mark.parametrize("name", ASKED)
def test_the_question_has_the_bytes_that_the_provider_documents(name: str) -> None:
    table, posts = asked_table(name), table_of(name)
    sent: list[Request] = []

    def answer(request: Request, _: float) -> Answer:
        sent.append(request)
        return Answer(None, "ReadTimeout")

    form, secret = asked_form(name), KnownToken(posts.secret)
    assert form is not None
    assert Asker(form, posts.options, secret, answer).ask(asked(name), NOW, 5) is None
    assert [(one.method, one.url, one.body.decode()) for one in sent] == [("POST", table.url, table.body)]
    assert secret.expired == 1


@pytest.mark.parametrize("name", ASKED)
@given(st.text(max_size=60) | st.sampled_from([statuses({"000000-10000001": {"status_code": {}}}), statuses(7)]))
@settings(max_examples=depth(full=200, quick=50))
def test_any_answer_is_read_without_an_error(name: str, body: str) -> None:
    form = asked_form(name)
    assert form is not None
    form.read(Answer(200, body), asked(name), NOW)


@pytest.mark.parametrize("status", ["delivered", "undelivered"])
@pytest.mark.parametrize("name", ASKED)
def test_the_simulator_answers_a_question_about_what_it_has_accepted(name: str, status: str) -> None:
    """Through the services, as the worker asks."""
    simulator = Simulator(provider=name).start()
    simulator.behave(receipts=1, undelivered=float(status == "undelivered"))
    services = Services(Settings(stage="local", gateway=name, gateway_url=simulator.gateway_url, receipts=True))
    services.gateway_secrets = {name: KnownToken(simulator.token)}
    try:
        outcomes = [services.gateway.post(name, replace(SMS, id=MESSAGE_ID + number), 5) for number in range(2)]
        ids = {outcome.provider_id: MESSAGE_ID + number for number, outcome in enumerate(outcomes)}
        reports = services.askers[name].ask({**ids, "000000-00000099": 7}, NOW, 5)
    finally:
        simulator.stop()
    assert reports is not None
    assert [(one.message_id, one.status) for one in reports.receipts] == [(one, status) for one in ids.values()]


def test_a_provider_that_reports_by_itself_is_not_asked() -> None:
    assert not set(ASKED) & set(NAMES)
    assert asked_form("twilio") is None
    assert Services(Settings(stage="local", gateway="twilio", receipts=True)).askers == {}


@pytest.mark.parametrize(
    ("told", "provider_id"),
    [("000000-10000001", "000000-10000001"), ("1,2", ""), ("", ""), (7, ""), (None, ""), ("x" * 65, "")],
)
def test_the_id_in_the_answer_to_a_post_is_kept_if_it_is_one(told: object, provider_id: str) -> None:
    adapter = provider("smsru").make_adapter(table_of("smsru").options)
    outcome = adapter.outcome(Answer(200, read(100, sms_id=told)), NOW)
    assert outcome.sent
    assert outcome.provider_id == provider_id
    assert not provider_id or PROVIDER_ID.fullmatch(provider_id)
    assert adapter.outcome(Answer(200, read(202, sms_id=told)), NOW).provider_id == ""
