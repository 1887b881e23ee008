"""A job is the same after the queue, and invalid bodies are not jobs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest

from chalicelib.domain.job_bodies import KINDS, from_body, kind_of, to_body
from chalicelib.domain.jobs import (
    Asked,
    AskReceipts,
    EraseTraces,
    FeedMailing,
    FollowMovedClients,
    ImportClients,
    Job,
    ReconcileShard,
    ReleaseShard,
    SendMessage,
    SettleReceipts,
    StartMailing,
    WalkSlice,
)
from chalicelib.domain.receipt import Receipt

RECEIPT = Receipt(120000000345, "undelivered", datetime(2026, 11, 22, 9, 30, tzinfo=UTC), "нет абонента")
JOBS: list[Job] = [
    SendMessage(12, 345),
    StartMailing(12),
    WalkSlice(12, 0),
    ReconcileShard(12, 3, 7),
    ReleaseShard(12, 7, 1795500000, 1795500000123),
    FeedMailing(12, 1),
    FollowMovedClients((1, 2, 3)),
    EraseTraces("client#345"),
    EraseTraces("phone#" + "0" * 64 + "#1795782258000000"),
    ImportClients(7),
    SettleReceipts((RECEIPT, RECEIPT)),
    AskReceipts("smsru", 1795500000, (Asked(120000000345, "000000-10000001"),)),
]


def test_every_kind_of_job_has_a_name() -> None:
    assert set(KINDS.values()) == {type(job) for job in JOBS} == set(get_args(Job))


@pytest.mark.parametrize("job", JOBS, ids=lambda job: type(job).__name__)
def test_a_job_is_the_same_after_the_queue(job: Job) -> None:
    assert from_body(to_body(job)) == job
    assert kind_of(to_body(job)) is type(job)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: type(job).__name__)
def test_a_body_with_a_missing_field_or_a_wrong_type_is_not_a_job(job: Job) -> None:
    sent = json.loads(to_body(job))
    for name in sent.keys() - {"job"}:
        for other in ("7 ", None, {}, 1.5):
            assert from_body(json.dumps({**sent, name: other})) is None
    for name in sent.keys() - {"job", "released_at"}:
        del sent[name]
        assert from_body(json.dumps(sent)) is None


def test_a_release_that_an_earlier_version_has_queued_is_read() -> None:
    body = '{"job": "release_shard", "mailing_id": 12, "shard": 7, "opens_at": 1795500000}'
    assert from_body(body) == ReleaseShard(12, 7, 1795500000)


@pytest.mark.parametrize("body", ["", "garbage", "[]", "7", "{}", '{"job": "fly"}', '{"job": 7}', "[" * 100_000])
def test_an_invalid_body_is_not_a_job(body: str) -> None:
    assert from_body(body) is None
    assert kind_of(body) is None


@pytest.mark.parametrize(
    "name", ["", "client#", "client#x", "phone#79774053329", "phone#" + "0" * 64, "client#1 ", "\ud800"]
)
def test_an_erasure_has_the_name_of_a_client_or_of_a_digest(name: str) -> None:
    assert from_body(json.dumps({"job": "erase_traces", "name": name})) is None


def test_true_is_not_a_number() -> None:
    assert from_body('{"job": "import_clients", "import_id": true}') is None
    assert from_body('{"job": "follow_moved_clients", "client_ids": [1, true]}') is None


def test_an_unknown_field_is_ignored() -> None:
    assert from_body('{"job": "import_clients", "import_id": 7, "new": 1}') == ImportClients(7)


def test_a_receipt_needs_a_status_and_a_moment_with_an_offset() -> None:
    good = json.loads(to_body(SettleReceipts((RECEIPT,))))["receipts"][0]
    for wrong in (
        {"status": "sent"},
        {"at": "2026-11-22T09:30:00"},
        {"at": "soon"},
        {"message_id": "x1"},
        {"message_id": "\u0661"},
        {"gateway": "SMSC"},
        {"gateway": 7},
    ):
        assert from_body(json.dumps({"job": "settle_receipts", "receipts": [{**good, **wrong}]})) is None


def test_a_receipt_names_the_gateway_that_reports_unless_it_is_not_known() -> None:
    """An earlier version has queued none, nor does a rule of EventBridge."""
    job = SettleReceipts((replace(RECEIPT, gateway="smsc"),))
    assert from_body(to_body(job)) == job
    value = json.loads(to_body(job))
    del value["receipts"][0]["gateway"]
    assert from_body(json.dumps(value)) == SettleReceipts((RECEIPT,))


def test_the_message_id_of_a_receipt_may_be_in_a_text() -> None:
    """The template of a rule of EventBridge cannot write a number that is a text in the event."""
    body = to_body(SettleReceipts((RECEIPT,)))
    in_text = body.replace(f'"message_id":{RECEIPT.message_id}', f'"message_id":"{RECEIPT.message_id}"')
    assert in_text != body
    assert from_body(in_text) == SettleReceipts((RECEIPT,))
    assert from_body(body.replace(f":{RECEIPT.message_id},", f':"{"9" * 20}",')) is None
