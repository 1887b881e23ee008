"""Delivery receipts in the form of a provider, over HTTP: its key, its signature, and what is believed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from chalice.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import app
from chalicelib import runtime
from chalicelib import settings as settings_module
from chalicelib.adapters import aws
from chalicelib.adapters.services import Services
from chalicelib.delivery.receipts import settle_receipts
from chalicelib.domain.receipt import Receipt
from chalicelib.gateways.receipts.port import Call
from chalicelib.gateways.receipts.registry import NAMES, receipt_form
from chalicelib.gateways.registry import provider
from infra.local.providers.receipts import infobip, kannel, smsc, twilio
from infra.local.providers.receipts.case import MESSAGE_ID, PHONE, RECEIPTS_URL, SECRET, ReceiptTable, address_of
from infra.local.providers.receipts.reporting import Report as Simulated
from infra.local.providers.registry import reporting_of

from .conftest import Answer
from .conftest import Call as ApiCall
from .test_receipts import queued

Lines = Callable[[], list[dict[str, Any]]]
Report = Callable[[Call], Answer]
Use = Callable[..., Services]
SENT = 10_000_000_001


def table_of(name: str) -> ReceiptTable:
    table: ReceiptTable = import_module(f"infra.local.providers.receipts.{name}").TABLE
    return table


@pytest.fixture
def use(services: Services, monkeypatch: pytest.MonkeyPatch) -> Use:
    """`use("twilio")`: the same stack, with this provider and the secrets of its table."""

    def use(name: str, **settings: str) -> Services:
        table = table_of(name)
        for parameter, value in (("receipts-secret", table.keys.stored), ("gateway-token", table.keys.token)):
            if value:
                aws.client("ssm").put_parameter(
                    Name=f"/test/{parameter}", Value=value, Type="SecureString", Overwrite=True
                )
        known = {"GATEWAY": name, "GATEWAY_DEDUPES": "auto", "RECEIPTS": "true", "RECEIPTS_URL": RECEIPTS_URL}
        for variable, value in {**known, **table.settings, **settings}.items():
            monkeypatch.setenv(variable, value)
        settings_module.settings.cache_clear()
        runtime.services.cache_clear()
        return runtime.services()

    return use


@pytest.fixture
def report() -> Iterator[Report]:
    with Client(app) as client:

        def report(call: Call) -> Answer:
            path = urlsplit(call.url).path + (f"?{urlencode(call.query)}" if call.query else "")
            headers = {"Host": "api.example.com", **call.headers}
            answer = client.http.request(call.method, path, headers=headers, body=call.body)
            return Answer(answer.status_code, answer.headers, answer.body.decode("utf-8", "replace"))

        yield report


@pytest.mark.parametrize("name", NAMES)
def test_genuine_calls_are_queued_and_answered_as_the_provider_needs_it_and_no_other_ones(
    use: Use, report: Report, name: str
) -> None:
    services, acknowledgement = use(name), receipt_form(name).ACKNOWLEDGEMENT
    for case in table_of(name).cases:
        answer = report(case.call)
        if case.means is None:
            assert (answer.status, list(answer.json)) == (403, ["detail"]), case.name
            assert queued(services) == [], case.name
            continue
        assert (answer.status, answer.text) == (200, acknowledgement.body), case.name
        assert answer.headers["Content-Type"] == acknowledgement.content_type
        of_account = SECRET in case.call.url
        means = case.means if of_account else case.means.about(case.call.message_id)
        believed = [(one.message_id, one.status, one.reason) for one in queued(services)]
        assert believed == [facts(one) for one in means.receipts if one.is_of_mailing], case.name


@pytest.mark.parametrize("name", NAMES)
def test_what_the_simulator_reports_is_believed_and_what_it_forges_is_refused(
    use: Use, report: Report, name: str
) -> None:
    services, reporting, keys = use(name), reporting_of(name), table_of(name).keys
    assert reporting is not None
    calls_back = provider(name).CAPABILITIES.calls_back
    url = address_of(name) if calls_back else f"{RECEIPTS_URL}/{name}/{SECRET}"
    for status in ("delivered", "undelivered"):
        simulated = Simulated(MESSAGE_ID, PHONE, status, f"{url}&status=%d" if name == "kannel" else url)
        for forged in reporting.forgeries(simulated, keys):
            assert report(forged).status == 403
        assert queued(services) == []
        assert report(reporting.call([simulated], keys)).status == 200
        assert [(one.message_id, one.status) for one in queued(services)] == [(MESSAGE_ID, status)]


def facts(receipt: Receipt) -> tuple[int, str, str]:
    return receipt.message_id, receipt.status, receipt.reason


@pytest.mark.parametrize("name", NAMES)
def test_a_call_with_another_key_is_refused(use: Use, report: Report, name: str) -> None:
    services = use(name)
    for key in ("0", f"{SECRET}0", f"{SECRET[:-1]}", "%D1%8F", "%ff"):
        for case in table_of(name).cases[:8]:
            url = f"{RECEIPTS_URL}/{name}/{key}"
            assert report(Call(case.call.method, url, (), case.call.headers, case.call.body)).status == 403
    assert queued(services) == []


def test_another_provider_and_one_without_receipts_are_not_found(use: Use, report: Report) -> None:
    use("twilio")
    for name in ("smsc", "exolve", "contract", "os", "..", "__init__"):
        assert report(Call("POST", f"{RECEIPTS_URL}/{name}/{SECRET}")).status in (403, 404)


def test_each_of_several_gateways_reports_at_its_own_name_with_its_own_secrets(use: Use, report: Report) -> None:
    configured = [{"name": "first", "gateway": "twilio", "sender": "SHOP"}, {"name": "second", "gateway": "smsc"}]
    services = use("twilio", GATEWAYS=json.dumps(configured))
    for name, token in (("first", f"{twilio.ACCOUNT}:{twilio.AUTH_TOKEN}"), ("second", "login:password")):
        parameter = services.settings.token_parameter_of(name)
        aws.client("ssm").put_parameter(Name=parameter, Value=token, Type="SecureString")
    stored = f"{SECRET}:second={smsc.SIGNATURE}"
    aws.client("ssm").put_parameter(Name="/test/receipts-secret", Value=stored, Type="SecureString", Overwrite=True)
    assert report(twilio.status_call("delivered", address_of("first"))).status == 200
    assert report(replace(smsc.status_call("1"), url=f"{RECEIPTS_URL}/second/{SECRET}")).status == 200
    assert [(one.message_id, one.gateway) for one in queued(services)] == [
        (MESSAGE_ID, "first"),
        (MESSAGE_ID, "second"),
    ]
    forged = smsc.post(f"{RECEIPTS_URL}/second/{SECRET}", smsc.status_fields("1", secret="other"))
    assert report(forged).status == 403
    assert report(twilio.status_call("delivered", address_of("second"))).status == 403
    assert report(twilio.status_call("delivered")).status == 404, "twilio is no name of a gateway here"
    in_contract = Call(
        "POST", RECEIPTS_URL, (), {"content-type": "application/json"}, b'{"id": 1, "status": "delivered"}'
    )
    for bearer, status in ((SECRET, 200), (stored, 401)):
        headers = {**in_contract.headers, "authorization": f"Bearer {bearer}"}
        assert report(replace(in_contract, headers=headers)).status == status


def test_without_receipts_the_address_is_not_found(use: Use, report: Report) -> None:
    use("twilio", RECEIPTS="false")
    assert report(twilio.status_call("delivered")).status == 404


def test_another_method_is_refused(use: Use, report: Report) -> None:
    use("twilio")
    answer = report(Call("DELETE", f"{RECEIPTS_URL}/twilio/{SECRET}"))
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, POST, HEAD")


def test_a_body_over_the_limit_is_refused_before_it_is_read(use: Use, report: Report) -> None:
    use("twilio")
    assert report(Call("POST", f"{RECEIPTS_URL}/twilio/{SECRET}", body=b"a" * (256 * 1024 + 1))).status == 413


def test_neither_the_key_nor_the_phone_number_is_logged(use: Use, report: Report, lines: Lines) -> None:
    use("twilio")
    for case in twilio.TABLE.cases:
        report(case.call)
    report(Call("POST", f"{RECEIPTS_URL}/twilio/{SECRET}0"))
    text = json.dumps(lines())
    assert "/Receipts/{gateway}/{key}" in text
    assert '"wrong": "signature"' in text
    assert '"wrong": "key"' in text
    for secret in (SECRET, address_of("twilio").partition("twilio/")[2].partition("?")[0], "9774053329"):
        assert secret not in text


def test_the_url_is_taken_from_the_setting_and_not_from_the_host(use: Use, report: Report) -> None:
    """A call that is signed for another address of this server is not believed."""
    services = use("twilio")
    url = twilio.URL.replace("sms.example.com", "api.example.com")
    assert report(twilio.status_call("delivered", url)).status == 403
    use("twilio", RECEIPTS_URL="")
    assert report(twilio.status_call("delivered", url)).status == 403, "of the scheme http"
    assert report(twilio.status_call("delivered", url.replace("https", "http"))).status == 200
    assert len(queued(services)) == 1


@pytest.mark.usefixtures("mailing")
def test_a_receipt_that_comes_twice_and_out_of_order_is_counted_once(use: Use, report: Report, call: ApiCall) -> None:
    services = use("twilio")
    url = address_of("twilio", SENT)
    for status in ("delivered", "undelivered", "sent", "delivered", "queued"):
        assert report(twilio.status_call(status, url)).status == 200
    messages = services.receipts_queue.receive()
    assert settle_receipts(services, [message.body for message in messages], lambda: 60.0) == [None] * len(messages)
    counts = call("GET", "/Stats/1").json["messages"]
    assert (counts["sent"], counts["delivered"], counts["undelivered"]) == (1, 1, 0)


def test_the_key_of_a_message_reports_nothing_about_another_message_and_no_inbound_message(
    use: Use, report: Report, call: ApiCall
) -> None:
    """A provider's log has such keys. The body of Infobip has ids and texts of its own."""
    call("POST", "/Clients", json={"phone_number": PHONE})
    services = use("infobip")
    forged = [infobip.result("DELIVERED"), infobip.result("DELIVERED", str(SENT)), infobip.message("STOP")]
    assert report(infobip.of_message(*forged)).status == 200
    assert [receipt.message_id for receipt in queued(services)] == [MESSAGE_ID]
    assert clients_of(call) == {PHONE: False}
    assert report(infobip.call(*forged)).status == 200
    assert [receipt.message_id for receipt in queued(services)] == [MESSAGE_ID, SENT]
    assert clients_of(call) == {PHONE: True}


def test_too_many_opt_outs_in_one_call_are_refused_before_any_is_written(
    use: Use, report: Report, call: ApiCall
) -> None:
    call("POST", "/Clients", json={"phone_number": PHONE})
    use("infobip")
    many = [{**infobip.message("STOP"), "from": f"7900{number:07}"} for number in range(100)]
    assert report(infobip.call(infobip.message("STOP"), *many)).status == 400
    assert clients_of(call) == {PHONE: False}


def clients_of(call: ApiCall) -> dict[str, bool]:
    """Whether each client has opted out, by phone number."""
    return {one["phone_number"]: one["opted_out_at"] is not None for one in call("GET", "/Clients").json["results"]}


def test_a_stop_opts_the_client_out_once_with_an_audit_record(
    use: Use, report: Report, call: ApiCall, lines: Lines
) -> None:
    for phone_number in (PHONE, "79770000001"):
        call("POST", "/Clients", json={"phone_number": phone_number})
    use("twilio")
    for text in ("Когда скидки?", "Стоп", "СТОП", "stop!"):
        assert report(twilio.inbound_call(text)).status == 200
    assert clients_of(call) == {PHONE: True, "79770000001": False}
    records = [one for one in call("GET", "/Audit").json["results"] if one["action"] == "opted out"]
    assert [(one["who"], one["what"], one["id"]) for one in records] == [("the gateway", "client", "1")]
    text = json.dumps(lines(), ensure_ascii=False)
    assert PHONE not in text
    assert "скидки" not in text


def test_a_stop_of_a_number_without_a_client_is_kept_once_for_a_client_that_gets_it_later(
    use: Use, report: Report, call: ApiCall, lines: Lines
) -> None:
    use("twilio")
    for text in ("STOP", "Стоп"):
        assert report(twilio.inbound_call(text)).status == 200
    (stop,) = call("GET", "/StopList").json["results"]
    assert (stop["phone_number"], stop["source"]) == (PHONE, "recipient")
    records = [one for one in call("GET", "/Audit").json["results"] if one["action"] == "opted out"]
    assert [(one["who"], one["what"]) for one in records] == [("the gateway", "phone")]
    assert call("POST", "/Clients", json={"phone_number": PHONE}).json["opted_out_at"] is not None
    assert PHONE not in json.dumps(lines())


def test_a_stop_of_what_is_no_mobile_number_is_counted(use: Use, report: Report, call: ApiCall, lines: Lines) -> None:
    use("kannel")
    assert report(kannel.inbound_call("STOP", "1234")).status == 200
    assert [one["unknown_numbers"] for one in lines() if "unknown_numbers" in one] == [1]
    assert call("GET", "/StopList").json["results"] == []


def test_a_stop_of_an_erased_number_is_acknowledged_and_keeps_nothing(use: Use, report: Report, call: ApiCall) -> None:
    client_id = call("POST", "/Clients", json={"phone_number": PHONE}).json["id"]
    assert call("POST", f"/Clients/{client_id}/opt_out").status == 200
    assert call("POST", f"/Clients/{client_id}/erase").status in (200, 202, 204)
    use("twilio")
    assert report(twilio.inbound_call("STOP")).status == 200
    assert call("GET", "/StopList").json["results"] == []


def test_the_stop_words_are_a_setting(use: Use, report: Report, call: ApiCall) -> None:
    call("POST", "/Clients", json={"phone_number": PHONE})
    use("twilio", STOP_WORDS="НЕТ")
    report(twilio.inbound_call("STOP"))
    assert clients_of(call) == {PHONE: False}
    report(twilio.inbound_call("нет!"))
    assert clients_of(call) == {PHONE: True}


def test_a_receipt_that_says_that_the_recipient_has_unsubscribed_opts_the_client_out(
    use: Use, report: Report, call: ApiCall
) -> None:
    call("POST", "/Clients", json={"phone_number": PHONE})
    use("twilio")
    report(twilio.status_call("undelivered", ErrorCode="21610"))
    assert clients_of(call) == {PHONE: True}


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_stranger_sends_the_answer_is_a_4xx_and_nothing_is_believed(
    use: Use, report: Report, name: str
) -> None:
    services = use(name)

    @given(st.sampled_from(["GET", "POST"]), st.text(max_size=20), st.binary(max_size=60))
    @settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
    def send(method: str, value: str, body: bytes) -> None:
        query = (("id", value), ("status", "1"))
        answer = report(Call(method, f"{RECEIPTS_URL}/{name}/0{SECRET}", query, {}, body))
        assert 400 <= answer.status < 500

    send()
    assert queued(services) == []


@pytest.mark.parametrize("name", NAMES)
def test_whatever_the_provider_sends_the_answer_is_no_5xx(use: Use, report: Report, name: str) -> None:
    use(name)

    @given(st.sampled_from(["GET", "POST"]), st.text(max_size=20), st.binary(max_size=60))
    @settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
    def send(method: str, value: str, body: bytes) -> None:
        query = (("id", value), ("status", value), ("text", value))
        answer = report(Call(method, f"{RECEIPTS_URL}/{name}/{SECRET}", query, {}, body))
        assert answer.status < 500

    send()
