"""Delivery receipts over HTTP: their own secret, one receipt or a list. Invalid requests write nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib import runtime
from chalicelib import settings as settings_module
from chalicelib.adapters import aws
from chalicelib.adapters.services import Services
from chalicelib.delivery.receipts import settle_receipts
from chalicelib.domain.job_bodies import from_body
from chalicelib.domain.jobs import Asked, AskReceipts, SettleReceipts
from chalicelib.domain.receipt import Receipt

from .conftest import Answer

SECRET = "0123456789abcdef"
SENT = 10_000_000_001
Report = Callable[..., Answer]


@pytest.fixture
def receipts_enabled(services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    """The same stack, configured for receipts."""
    aws.client("ssm").put_parameter(Name="/test/receipts-secret", Value=SECRET, Type="SecureString")
    monkeypatch.setenv("RECEIPTS", "true")
    settings_module.settings.cache_clear()
    runtime.services.cache_clear()
    return runtime.services()


@pytest.fixture
def report() -> Iterator[Report]:
    """`report({"id": ...})`, or `report(body=b"...")`."""
    with Client(app) as client:

        def report(
            sent: Any = None,
            body: bytes | None = None,
            authorization: str | None = f"Bearer {SECRET}",
            content_type: str = "application/json",
            method: str = "POST",
            query: str = "",
        ) -> Answer:
            headers = {"Content-Type": content_type, "Host": "api.example.com"}
            headers |= {"Authorization": authorization} if authorization is not None else {}
            raw = json.dumps(sent).encode() if body is None else body
            answer = client.http.request(method, f"/Receipts{query}", headers=headers, body=raw)
            return Answer(answer.status_code, answer.headers, answer.body.decode())

        yield report


def queued(services: Services) -> list[Receipt]:
    """Takes all messages out of the queue and returns them."""
    messages = services.receipts_queue.receive()
    if messages:
        services.receipts_queue.delete([message.receipt_handle for message in messages])
    jobs = [from_body(message.body) for message in messages]
    return [receipt for job in jobs if isinstance(job, SettleReceipts) for receipt in job.receipts]


def test_without_receipts_the_address_is_not_found(services: Services, report: Report) -> None:
    for method in ("POST", "GET", "DELETE"):
        answer = report({"id": SENT, "status": "delivered"}, method=method)
        assert (answer.status, answer.json) == (404, {"detail": "Not found."})
    assert queued(services) == []


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", f"Bearer {SECRET}0", f"Bearer {SECRET[:-1]}", f"Token {SECRET}", "Bearer é\udcff"],
)
def test_receipts_without_the_secret_are_refused(
    receipts_enabled: Services, report: Report, authorization: str | None
) -> None:
    answer = report({"id": SENT, "status": "delivered"}, authorization=authorization)
    assert answer.status == 401
    assert list(answer.json) == ["detail"]
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert SECRET not in answer.text
    assert queued(receipts_enabled) == []


def test_a_request_has_one_receipt_or_a_list_of_receipts(receipts_enabled: Services, report: Report) -> None:
    answer = report({"id": SENT, "status": "delivered", "at": "2026-11-23T15:00:00+03:00"})
    assert (answer.status, answer.json) == (200, {"accepted": 1, "unknown": 0})
    assert queued(receipts_enabled) == [Receipt(SENT, "delivered", datetime(2026, 11, 23, 12, tzinfo=UTC))]
    many = [{"id": str(SENT + number), "status": "undelivered", "reason": "off"} for number in range(250)]
    assert report(many).json == {"accepted": 250, "unknown": 0}
    found = queued(receipts_enabled)
    assert [receipt.message_id for receipt in found] == [SENT + number for number in range(250)]
    assert {receipt.reason for receipt in found} == {"off"}


def test_a_receipt_for_an_unknown_message_is_accepted_so_it_is_not_repeated(
    receipts_enabled: Services, report: Report
) -> None:
    sent = [{"id": number, "status": "delivered"} for number in (7, 0, -5, 2**63, 10**30, SENT)]
    assert report(sent).json == {"accepted": 1, "unknown": 5}
    assert [receipt.message_id for receipt in queued(receipts_enabled)] == [SENT]


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({}, ["id", "status"]),
        ({"id": SENT, "status": "lost"}, ["status"]),
        ({"id": "x1", "status": "delivered"}, ["id"]),
        ({"id": True, "status": "delivered"}, ["id"]),
        ({"id": 1.5, "status": "delivered"}, ["id"]),
        ({"id": SENT, "status": ["delivered"]}, ["status"]),
        ({"id": SENT, "status": "delivered", "at": "yesterday"}, ["at"]),
        ({"id": SENT, "status": "delivered", "reason": 5}, ["reason"]),
        ({"id": SENT, "state": "delivered"}, ["state", "status"]),
        ([{"id": SENT, "status": "delivered"}, {"id": SENT, "status": "lost"}, 7], ["1.status", "2.non_field_errors"]),
        ([], ["non_field_errors"]),
        ([{"id": SENT, "status": "delivered"}] * 501, ["non_field_errors"]),
        (7, ["non_field_errors"]),
    ],
)
def test_invalid_receipts_are_named_and_the_whole_request_is_refused(
    receipts_enabled: Services, report: Report, sent: Any, errors: list[str]
) -> None:
    answer = report(sent)
    assert answer.status == 400, answer.text
    assert sorted(answer.json) == errors
    assert queued(receipts_enabled) == []


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"id": 1', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"id": "\xff"}', "application/json", 400),
        (b"id=10000000001&status=delivered", "application/x-www-form-urlencoded", 415),
        (b" " * (256 * 1024 + 1), "application/json", 413),
    ],
)
def test_only_json_of_a_limited_size_is_read(
    receipts_enabled: Services, report: Report, body: bytes, content_type: str, status: int
) -> None:
    answer = report(body=body, content_type=content_type)
    assert (answer.status, list(answer.json)) == (status, ["detail", "request_id"] if status == 413 else ["detail"])


def test_another_method_is_refused(receipts_enabled: Services, report: Report) -> None:
    answer = report(method="GET")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


def test_possible_phone_numbers_in_a_reason_are_masked(receipts_enabled: Services, report: Report) -> None:
    reason = "absent\nsubscriber +7 (977) 405-33-29 / 79774053329, code 12 " + "x" * 300
    report({"id": SENT, "status": "undelivered", "reason": reason})
    (receipt,) = queued(receipts_enabled)
    assert receipt.reason.startswith("absent subscriber *** / ***, code 12 xxx")
    assert len(receipt.reason) == 255


@pytest.mark.usefixtures("mailing")
def test_statistics_have_delivered_messages_and_still_count_them_as_sent(
    receipts_enabled: Services, report: Report, call: Callable[..., Answer]
) -> None:
    report({"id": SENT, "status": "undelivered", "reason": "absent subscriber", "at": "2026-11-23T12:00:00Z"})
    bodies = [message.body for message in receipts_enabled.receipts_queue.receive()]
    assert settle_receipts(receipts_enabled, bodies, lambda: 60.0) == [None]
    stats = call("GET", "/Stats/1?status=sent").json
    counts = stats["messages"]
    assert (counts["sent"], counts["delivered"], counts["undelivered"]) == (1, 0, 1)
    assert counts["total"] == sum(counts[name] for name in ("queued", "sent", "failed", "expired", "cancelled"))
    (message,) = stats["results"]
    assert (message["status"], message["last_error"]) == ("undelivered", "Not delivered: absent subscriber")
    assert message["reported_at"] == "2026-11-23T12:00:00Z"
    assert call("GET", "/Stats/1?status=undelivered").json["results"] == [message]
    assert call("GET", "/Stats").json["totals"]["undelivered"] == 1
    refused = call("POST", "/Mailing/1/resend", form={"statuses": "undelivered"})
    assert refused.status == 400


def test_the_worker_returns_receipts_that_it_has_no_time_for(receipts_enabled: Services, report: Report) -> None:
    """chalice.test gives a Lambda three seconds: too little to begin a group. Settled receipts leave the queue."""
    report({"id": SENT, "status": "delivered"})
    bodies = ["garbage", *(message.body for message in receipts_enabled.receipts_queue.receive())]
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "1795500000000"}
    records = [
        {"messageId": f"m{n}", "receiptHandle": f"r{n}", "body": body, "attributes": attributes}
        for n, body in enumerate(bodies)
    ]
    with Client(app) as client:
        answer = client.lambda_.invoke("settle_receipts", {"Records": records}).payload
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert receipts_enabled.dead_letters.size() == 1


def test_the_worker_returns_questions_that_it_has_no_time_for_to_their_own_queue(
    receipts_enabled: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY", "smsru")
    monkeypatch.setenv("GATEWAY_DEDUPES", "auto")
    monkeypatch.setenv("ASKS_QUEUE_URL", aws.client("sqs").create_queue(QueueName="asks")["QueueUrl"])
    settings_module.settings.cache_clear()
    runtime.services.cache_clear()
    services = runtime.services()
    services.asks_queue.send([AskReceipts("smsru", 1795500000, (Asked(SENT, "000000-1"),))])
    (question,) = services.asks_queue.receive()
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "1795500000000"}
    records = [
        {"messageId": "m0", "receiptHandle": "r0", "body": "garbage", "attributes": attributes},
        {"messageId": "m1", "receiptHandle": question.receipt_handle, "body": question.body, "attributes": attributes},
    ]
    with Client(app) as client:
        answer = client.lambda_.invoke("settle_receipts", {"Records": records}).payload
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert receipts_enabled.dead_letters.size() == 1
    assert services.asks_queue.size() == 1


def test_a_query_is_refused_by_name(receipts_enabled: Services, report: Report) -> None:
    answer = report({"id": SENT, "status": "delivered"}, query="?status=delivered")
    assert (answer.status, list(answer.json)) == (400, ["status"])
    assert queued(receipts_enabled) == []
