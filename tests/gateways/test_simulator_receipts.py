"""The simulators report deliveries as their providers do, and forge reports that nobody believes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from aiohttp import web

from chalicelib.gateways.callback import Callback, message_key
from chalicelib.gateways.http_gateway import HttpGateway
from chalicelib.gateways.receipts.port import Call, Keys
from chalicelib.gateways.receipts.registry import NAMES, receipt_form
from chalicelib.gateways.registry import provider
from infra.local.behaviour import Behaviour
from infra.local.providers.case import SMS
from infra.local.providers.receipts.aws import of_another_stack
from infra.local.providers.receipts.case import NOW, SECRET
from infra.local.providers.receipts.reporting import Report
from infra.local.providers.registry import SimulatedProvider, reporting_of
from infra.local.reporter import ReceiptBehaviour, Reporter
from infra.local.service import ThreadedApp, free_port
from infra.local.simulator import Simulator

from .contract_gateway import KnownToken

PATIENCE = 10
CALLED = [name for name in NAMES if provider(name).CAPABILITIES.calls_back]


class Service:
    """Records what it is called with, and answers 200, or 403 to what `is_refused` says."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.is_refused: Callable[[Call], bool] = lambda _: False
        app = web.Application()
        app.add_routes([web.route("*", "/{path:.*}", self._take)])
        self._server = ThreadedApp(app, free_port())
        self._server.start()
        self.receipts_url = f"{self._server.url}/Receipts"

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = tuple(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True))
        url = f"{self._server.url}{request.rel_url.raw_path}"
        call = Call(request.method, url, query, headers, await request.read())
        self.calls.append(call)
        return web.Response(status=403 if self.is_refused(call) else 200)

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.stop()


@pytest.fixture
def simulate(service: Service) -> Iterator[Callable[..., Simulator]]:
    """`simulate("twilio", receipts=1)`: a simulator that has accepted a message, and reports about it."""
    started: list[Simulator] = []

    def simulate(name: str, stored: str = "", **behaviour: object) -> Simulator:
        simulator = Simulator(provider=name).start()
        started.append(simulator)
        simulator.report_to(service.receipts_url, stored or keys_of(name).stored, f"{service.receipts_url}/events")
        simulator.behave(**behaviour)
        callback = Callback(service.receipts_url, name, KnownToken(SECRET))
        options = replace(simulator.provider.table.options, url=simulator.gateway_url, callback=callback)
        gateway = HttpGateway(
            provider(name).make_adapter(options), KnownToken(simulator.token), lambda: NOW, connections=1
        )
        assert gateway.post(SMS, 5).sent
        gateway.close()
        return simulator

    yield simulate
    for simulator in started:
        simulator.stop()


def keys_of(name: str) -> Keys:
    """The secrets of the service that expects the reports of this simulator."""
    simulated = SimulatedProvider(name)
    return Keys(f"{SECRET}:{simulated.signature}" if simulated.signature else SECRET, simulated.secret)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_genuine(name: str, call: Call, keys: Keys) -> bool:
    """As the API decides."""
    key = call.url.rpartition("/")[2]
    is_known = keys.of_account(key) or key == message_key(keys.stored, name, call.message_id)
    return is_known and receipt_form(name).verify(call, keys)


@pytest.mark.parametrize("undelivered", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_a_provider_reports_in_its_own_form_at_the_right_address(
    name: str, undelivered: int, service: Service, simulate: Callable[..., Simulator]
) -> None:
    simulator = simulate(name, receipts=1, undelivered=undelivered)
    wait_for(lambda: simulator.reporter.is_done)
    (call,) = service.calls
    assert is_genuine(name, call, keys_of(name))
    (receipt,) = receipt_form(name).read(call, NOW).receipts
    assert (receipt.message_id, receipt.status) == (SMS.id, "undelivered" if undelivered else "delivered")
    assert simulator.reporter.outcomes == {SMS.id: receipt.status}


@pytest.mark.parametrize("name", NAMES)
def test_a_forged_report_says_the_opposite_and_is_not_genuine(
    name: str, service: Service, simulate: Callable[..., Simulator]
) -> None:
    keys = keys_of(name)
    service.is_refused = lambda call: not is_genuine(name, call, keys)
    simulator = simulate(name, receipts=1, receipt_forgery=1)
    wait_for(lambda: simulator.reporter.is_done)
    reporting = reporting_of(name)
    assert reporting is not None
    number = 2 if reporting.is_signed(keys) else 1
    assert (simulator.reporter.forged, simulator.reporter.answers) == ({403: number}, {200: 1})
    for forged in service.calls[:number]:
        opposite = receipt_form(name).read(forged, NOW).receipts
        assert {receipt.status for receipt in opposite} <= {"undelivered"}


def test_an_account_without_a_signature_secret_signs_nothing(
    service: Service, simulate: Callable[..., Simulator]
) -> None:
    for name in ("smsc", "vonage"):
        simulator = simulate(name, stored=SECRET, receipts=1, receipt_forgery=1)
        reporter = simulator.reporter
        wait_for(lambda reporter=reporter: reporter.is_done)
        forged, genuine = service.calls[-2:]
        assert is_genuine(name, genuine, Keys(SECRET))
        assert not is_genuine(name, forged, Keys(SECRET))
        assert not is_genuine(name, genuine, Keys(f"{SECRET}:words"))


def test_reports_are_repeated_and_out_of_order_and_sent_again_until_they_are_taken(
    service: Service, simulate: Callable[..., Simulator]
) -> None:
    service.is_refused = lambda _: len(service.calls) == 1
    simulator = simulate("twilio", receipts=1, receipt_repeats=2, receipt_disorder=True)
    wait_for(lambda: simulator.reporter.is_done)
    statuses = sorted(dict(call.form)["MessageStatus"] for call in service.calls)
    assert len(statuses) == 5
    assert set(statuses) == {"delivered", "undelivered"}
    assert simulator.reporter.answers == {403: 1, 200: 4}


def test_the_contract_reports_many_messages_in_a_call(service: Service, simulate: Callable[..., Simulator]) -> None:
    simulator = simulate("contract", receipts=1, receipt_repeats=2, receipt_forgery=1)
    service.is_refused = lambda call: call.headers["authorization"] != f"Bearer {SECRET}"
    wait_for(lambda: simulator.reporter.is_done)
    assert {call.url for call in service.calls} == {f"{service.receipts_url}/"}
    receipts = [one for call in service.calls[1:] for one in json.loads(call.body)]
    assert [(one["id"], one["status"]) for one in receipts] == [(SMS.id, "delivered")] * 3
    assert simulator.reporter.forged == {403: 1}


def test_aws_puts_an_event_with_the_context_of_the_post(service: Service, simulate: Callable[..., Simulator]) -> None:
    simulator = simulate("aws", receipts=1, receipt_forgery=1)
    wait_for(lambda: simulator.reporter.is_done)
    details = [json.loads(json.loads(call.body)["Entries"][0]["Detail"]) for call in service.calls]
    assert [one["eventType"] for one in details] == ["TEXT_UNREACHABLE", "TEXT_DELIVERED"]
    assert [one["context"].get("stack") for one in details] == ["another", None]
    assert {one["context"]["mid"] for one in details} == {str(SMS.id)}
    assert of_another_stack('url#{"mid": "1"}') == 'url#{"mid": "1", "stack": "another"}'


@pytest.mark.parametrize("name", CALLED)
def test_a_message_without_an_address_in_its_post_gets_no_report(name: str) -> None:
    simulated, reporter = SimulatedProvider(name), Reporter(reporting_of(name))
    reporter.account = simulated.account_address("http://127.0.0.1/Receipts", SECRET)
    reporter.note(Report(1, "79774053329", "", ""), ReceiptBehaviour(share=1))
    assert reporter.is_done


@pytest.mark.parametrize("name", ["exolve", "http"])
def test_a_provider_without_reports_refuses_the_behaviour(name: str) -> None:
    with pytest.raises(ValueError, match=f'"receipts": {name} has none'):
        SimulatedProvider(name).check(Behaviour(receipts=0.5))
