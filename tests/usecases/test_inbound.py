"""Messages to us that SNS delivers into the queue of receipts: what AWS End User Messaging got from a person."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.clients.registry import get_client, register_client
from chalicelib.clients.stop_list import list_stops
from chalicelib.delivery.inbound import opt_out_phones
from chalicelib.delivery.receipts import settle_receipts
from chalicelib.domain.inbound import Inbound
from chalicelib.domain.job_bodies import to_body
from chalicelib.domain.jobs import BUSY_SECONDS, SettleReceipts
from chalicelib.domain.receipt import Receipt
from chalicelib.domain.stop import BY_RECIPIENT
from chalicelib.errors import RowChanged
from chalicelib.gateways.receipts.aws import inbound_of
from infra.local.doubles.fakes import FakeServices

PHONE = "79774053329"


def body(text: str, phone_number: str = PHONE) -> str:
    """As in https://docs.aws.amazon.com/sms-voice/latest/userguide/phone-numbers-two-way-sms-payload.html"""
    ids = {"inboundMessageId": "cae173d2-66b9-564c-8309-21f858e9fb84", "previousPublishedMessageId": "wJalrXUtnFEMI"}
    numbers = {"originationNumber": f"+{phone_number}", "destinationNumber": "+12125550101"}
    return json.dumps({**numbers, "messageKeyword": "KEYWORD", "messageBody": text, **ids})


@pytest.fixture
def services() -> Any:
    services = FakeServices()
    register_client(services, {"phone_number": PHONE})
    return services


def settle(services: Any, *bodies: str) -> list[int | None]:
    return settle_receipts(services, bodies, lambda: 60.0)


def test_a_stop_opts_its_sender_out_once(services: Any) -> None:
    assert settle(services, body("Stop"), body("STOP, please")) == [None, None]
    client = get_client(services, 1)
    assert client.opted_out_at is not None
    assert [record.action for record in services.audit.records].count("opted out") == 1


@pytest.mark.parametrize("sender", ["+7 977 405-33-29", " 79774053329", "89774053329", "9774053329", "tel:79774053329"])
def test_a_stop_opts_its_sender_out_however_the_number_is_written(services: Any, sender: str) -> None:
    assert opt_out_phones(services, {sender: BY_RECIPIENT}) == 0
    assert get_client(services, 1).opted_out_at is not None


@pytest.mark.parametrize("sender", ["1234", "+89774053329", "CLOUD", ""])
def test_a_stop_of_what_is_no_mobile_number_is_counted_and_not_kept(services: Any, sender: str) -> None:
    assert opt_out_phones(services, {sender: BY_RECIPIENT}) == 1
    assert list_stops(services, None, 9)[0] == []


def test_a_stop_of_a_number_without_a_client_is_kept(services: Any) -> None:
    settle(services, body("СТОП", "79770000001"))
    assert [stop.phone_number for stop in list_stops(services, None, 9)[0]] == ["79770000001"]


def test_another_text_changes_nothing_and_is_no_dead_letter(services: Any) -> None:
    assert settle(services, body("When do you open?")) == [None]
    assert get_client(services, 1).opted_out_at is None
    assert services.dead_letters.size() == 0


def test_a_batch_may_hold_receipts_too(services: Any) -> None:
    receipts = to_body(SettleReceipts((Receipt(10_000_000_001, "delivered", datetime(2026, 11, 27, tzinfo=UTC)),)))
    assert settle(services, receipts, body("STOP"), receipts) == [None, None, None]
    assert get_client(services, 1).opted_out_at is not None


def test_a_stop_that_loses_its_races_comes_back(services: Any) -> None:
    class Losing:
        def get(self, phone_number: str) -> None:
            raise RowChanged

    services.stop_list = Losing()
    assert settle(services, body("STOP")) == [BUSY_SECONDS]


def test_a_stop_for_which_no_time_is_left_comes_back(services: Any) -> None:
    assert settle_receipts(services, [body("STOP")], lambda: 1.0) == [BUSY_SECONDS]
    assert get_client(services, 1).opted_out_at is None


@pytest.mark.parametrize(
    "other", ["garbage", "[]", "{}", '{"job": "settle_receipts"}', '{"originationNumber": 7, "messageBody": "STOP"}']
)
def test_no_other_body_is_taken_for_an_inbound_message(other: str) -> None:
    assert inbound_of(other) is None
    assert inbound_of(body("STOP")) == Inbound(f"+{PHONE}", "STOP")
