"""The adapters on a DynamoDB that is throttled in part, and that loses answers after the write took effect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from pynamodb.exceptions import GetError, PutError

from chalicelib.adapters import aws
from chalicelib.adapters.aws import never_repeated
from chalicelib.adapters.tables.batches import Batches
from chalicelib.adapters.tables.client_row import ClientRow
from chalicelib.delivery.jobs import run_job
from chalicelib.domain.audience import Partition, Plan
from chalicelib.domain.audience_slice import AudienceSlice, ShardReport
from chalicelib.domain.audit_record import Author
from chalicelib.domain.brake import Answers, Refusals
from chalicelib.domain.client import Client
from chalicelib.domain.client_import import ClientImport, RefusedRow
from chalicelib.domain.counts import Counts
from chalicelib.domain.csv_file import FileFormat
from chalicelib.domain.filter import AudienceMember
from chalicelib.domain.jobs import FeedMailing, ReconcileShard, StartMailing, WalkSlice
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import Message, MessageShard
from chalicelib.domain.walk import BEGINNING
from chalicelib.errors import Conflict, NotRead, NotWritten, RowChanged
from chalicelib.mailings.stats import list_messages
from chalicelib.settings import Settings
from chalicelib.texts import Text
from infra.local.doubles.aws import make_services_over_tables
from infra.local.doubles.fake_clock import FakeClock
from infra.local.doubles.faulty_dynamodb import lost_answers, recorded, refused, throttled
from infra.local.doubles.inline_pool import InlinePool
from infra.local.in_process import State, ministack_in_process

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=15)
KEPT = NOW + timedelta(days=400)
MESSAGES = [Message(1, client_id, "queued", NOW) for client_id in range(1, 61)]
KEYS = [message.key for message in MESSAGES]


@pytest.fixture
def services(new_stack: State) -> Iterator[Any]:
    with ministack_in_process(new_stack):
        services: Any = make_services_over_tables()
        services.clock = FakeClock()
        yield services


def test_rows_that_dynamodb_leaves_unprocessed_are_written_after_a_pause(services: Any) -> None:
    with throttled("BatchWriteItem", processed=7) as fault:
        services.messages.add(MESSAGES, KEPT)
    assert len(services.messages.existing(KEYS)) == 60
    assert fault.seen == 9, "seven in a call, and the last five"
    assert services.clock.now() > FakeClock().now(), "the clock of the test moves by the pauses only"


def test_keys_that_dynamodb_leaves_unprocessed_are_read_after_a_pause(services: Any) -> None:
    services.messages.add(MESSAGES, KEPT)
    with throttled("BatchGetItem", processed=10) as fault:
        assert services.messages.existing(KEYS) == {message.client_id: message for message in MESSAGES}
    assert fault.seen == 6
    assert services.clock.now() > FakeClock().now()


def test_a_partition_that_stays_throttled_ends_the_write_and_the_read_within_seconds(services: Any) -> None:
    begun = services.clock.now()
    with throttled("BatchWriteItem", processed=1), pytest.raises(NotWritten):
        services.messages.add(MESSAGES, KEPT)
    assert services.clock.now() - begun < timedelta(seconds=7), "a page needs its time for other calls too"
    begun = services.clock.now()
    with throttled("BatchGetItem", processed=1), pytest.raises(NotRead):
        services.messages.existing(KEYS)
    assert services.clock.now() - begun < timedelta(seconds=7)


def test_every_batch_of_the_tables_is_repeated(services: Any) -> None:
    """Labels, imports, clients and phones; messages are above, and counters and mailings are read by the same code."""
    clients = [Client(number, f"7977{number:07d}", tag=f"tag {number}") for number in range(1, 5)]
    numbers = [client.phone_number for client in clients]
    rows = [RefusedRow(number, {"a": "b"}, {}) for number in range(1, 5)]
    started = ClientImport(1, "key", "1", "a.csv", FileFormat("utf-8", ";", ("a",), 2), NOW, NOW, 2)
    services.clients.add_many(clients)
    with throttled("BatchWriteItem", processed=1), throttled("BatchGetItem", processed=1):
        services.labels.add_from(clients)
        services.imports.add_refused(started, rows)
        assert set(services.clients.get_many([1, 2, 3, 4, 5])) == {1, 2, 3, 4}
        assert set(services.clients.find_many(numbers)[0]) == set(numbers)
        assert services.labels.existing("tag", ["tag 1", "tag 2", "tag 5"]) == {"tag 1", "tag 2"}
    assert services.imports.refused(1, 0, 10) == rows


@pytest.mark.parametrize(
    "code",
    [
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
        "TransactionInProgressException",
    ],
)
def test_a_call_that_is_refused_as_a_whole_is_not_written(services: Any, code: str) -> None:
    """Source of the codes: DynamoDB API Reference, errors of TransactWriteItems."""
    mailing = Mailing(1, NOW, UNTIL, "text")
    with refused("TransactWriteItems", code), pytest.raises(NotWritten):
        services.mailings.add(mailing)
    with refused("PutItem", code), pytest.raises(NotWritten):
        services.slices.report(1, 1, 0, ShardReport(), KEPT)


@pytest.mark.parametrize(
    ("job", "operation"),
    [
        (StartMailing(1), "GetItem"),
        (WalkSlice(1, 0), "GetItem"),
        (WalkSlice(1, 0), "UpdateItem"),
        (ReconcileShard(1, 1, 0), "GetItem"),
        (ReconcileShard(1, 1, 0), "Query"),
        (FeedMailing(1, 1), "GetItem"),
        (FeedMailing(1, 1), "Query"),
    ],
)
def test_a_job_is_repeated_within_seconds_if_its_tables_are_throttled(services: Any, job: Any, operation: str) -> None:
    """An error would bring the job back after the visibility timeout of its queue."""
    services.thread_pool = lambda _: InlinePool()
    mailing = Mailing(1, NOW, NOW + timedelta(days=9), "text", status="running", plan=Plan("block", 1, 1, 1))
    services.mailings.add(mailing)
    services.mailings.begin_round(mailing, NOW)
    services.mailings.begin_feed(mailing)
    with refused(operation, "ThrottlingException"):
        delay = run_job(services, job, lambda: 60.0)
    assert delay in range(1, 61)


def test_messages_with_a_status_are_found_a_thousand_rows_a_call(services: Any) -> None:
    """DynamoDB filters a page after it has read it: pages of the wanted size would be ten times as many calls."""
    statuses = ["failed" if client_id in (7, 290) else "sent" for client_id in range(1, 301)]
    rows = [Message(1, number, status, NOW) for number, status in enumerate(statuses, 1)]
    services.messages.add(rows, KEPT)
    mailing = Mailing(1, NOW, KEPT, "text", status="running", plan=Plan("block", 1000, 1, 1))
    with lost_answers("Query", number=0) as calls:
        found, cursor = list_messages(services, mailing, "failed", BEGINNING, 10)
    assert [message.client_id for message in found] == [7, 290]
    assert cursor is None
    assert len(calls) == 1


def test_a_fan_out_reads_clients_consistently_and_a_list_does_not(services: Any) -> None:
    block = Partition("block", 0)
    with recorded("Query") as queries:
        services.clients.read_members(block, 0, 100, 10, [])
        services.clients.read_members(Partition("tag", "a#0"), 0, 100, 10, [])
        services.clients.read(block, 0, 100, 10)
    assert [query.get("ConsistentRead", False) for query in queries] == [True, False, False]


def test_a_fan_out_reads_large_clients_to_the_end_and_gets_their_ids_only(services: Any) -> None:
    """DynamoDB ends a page at 1 MB of complete rows, whatever fields are asked for."""
    attributes = {f"a{number}": "x" * 90 for number in range(10)}
    clients = [Client(number, f"7977{number:07d}", "t" * 255, attributes=attributes) for number in range(1, 1000)]
    Batches(services.clock).put(ClientRow, [ClientRow.of(client).serialize() for client in clients])
    with recorded("Query") as queries:
        members = services.clients.read_members(Partition("block", 0), 0, 10**6, 900, [])
    assert members == [AudienceMember(number) for number in range(1, 901)]
    assert len(queries) == 2


def test_a_claim_whose_answer_is_lost_is_known_by_its_sender_and_by_no_other(services: Any) -> None:
    """Without it the message waits for the end of its own claim, and without GATEWAY_DEDUPES it becomes unknown."""
    [message] = MESSAGES[:1]
    services.messages.add([message], KEPT)
    with lost_answers("BatchExecuteStatement") as calls:
        claimed = services.messages.claim(message.key, NOW, UNTIL)
    changed = replace(message, attempts=1, doubts=1, claimed_until=UNTIL.timestamp(), posted_at=NOW)
    assert claimed == replace(changed, gateway="contract", address=Settings().routes.addresses["contract"])
    assert len(calls) == 2, "botocore has repeated it"
    assert services.messages.claim(message.key, NOW, UNTIL) is None, "also in the same microsecond"


@pytest.mark.parametrize(("status", "error"), [("sent", None), ("failed", Text("message.in_doubt"))])
def test_a_result_whose_answer_is_lost_is_counted_by_its_sender_and_by_no_other(
    services: Any, status: str, error: Text | None
) -> None:
    [message] = MESSAGES[:1]
    services.messages.add([message], KEPT)
    claimed = services.messages.claim(message.key, NOW, UNTIL)
    with lost_answers("BatchExecuteStatement"):
        assert services.messages.settle(claimed, status, NOW, error)
    assert not services.messages.settle(claimed, status, NOW + timedelta(seconds=1), Text("message.no_reason"))


def test_leases_and_the_claim_of_a_report_are_known_by_their_own_after_a_lost_answer(services: Any) -> None:
    client_import = ClientImport(1, "key", "1", "a.csv", FileFormat("utf-8", ";", ("a",), 2), NOW, NOW, 2)
    services.imports.add(client_import)
    with lost_answers("UpdateItem"):
        assert services.slices.lease(1, 0, NOW, UNTIL, KEPT) == AudienceSlice(1, 0, lease=1)
    with lost_answers("UpdateItem", number=2):
        assert services.imports.lease(1, NOW, UNTIL).lease == 1
    with lost_answers("PutItem"):
        services.reports.claim("2026-11-23", NOW, KEPT)
    for busy in (
        lambda: services.slices.lease(1, 0, NOW, UNTIL, KEPT),
        lambda: services.imports.lease(1, NOW, UNTIL),
        lambda: services.reports.claim("2026-11-23", NOW, KEPT),
    ):
        with pytest.raises(Conflict):
            busy()


def test_a_lease_in_doubt_stays_in_doubt_after_a_lost_answer(services: Any) -> None:
    services.slices.lease(1, 0, NOW, UNTIL, KEPT)
    with lost_answers("UpdateItem", number=2):  # the first condition fails, the second write takes effect
        found = services.slices.lease(1, 0, UNTIL, UNTIL + timedelta(seconds=60), KEPT)
    assert (found.lease, found.in_doubt) == (2, True)


def test_counts_are_never_added_twice(services: Any) -> None:
    services.mailings.add(Mailing(1, NOW, KEPT, "text", status="running"))
    with lost_answers("UpdateItem") as calls, pytest.raises(NotWritten):
        services.mailings.add_counts(1, Counts(sent=10), NOW)
    assert len(calls) == 1, "botocore has not repeated it; a reconciliation round would count the rows"
    assert services.mailings.get(1).counts.sent == 10
    assert services.mailings.add_counts(1, Counts(sent=5), NOW).counts.sent == 15


def test_answers_of_the_gateway_are_never_added_twice(services: Any) -> None:
    services.mailings.add(Mailing(1, NOW, KEPT, "text", status="running"))
    with lost_answers("UpdateItem"), pytest.raises(NotWritten):
        services.mailings.add_answers(1, Answers(doubtful=10, off_contract=10), NOW)
    assert services.mailings.get(1).answers.doubtful == 10, "twice as many pause the mailing"
    with lost_answers("UpdateItem"), pytest.raises(NotWritten):
        services.mailings.add_refusals(1, Refusals(balance=3), NOW)
    assert services.mailings.get(1).refusals.balance == 3


def test_an_audit_record_whose_answer_is_lost_is_known_by_its_writer_and_by_no_other(services: Any) -> None:
    """A test message was refused with 500, although its record was written."""
    record = Author("anna", NOW, 0.5).record("test_message", 1, None, {"message_text": "text"}, "tried")
    with lost_answers("PutItem"):
        services.audit.add(record)
    with pytest.raises(PutError):
        services.audit.add(replace(record, who="boris"))


def test_an_id_whose_answer_is_lost_leaves_a_gap(services: Any) -> None:
    with lost_answers("UpdateItem"):
        assert services.counters.lease_ids("client_id", 10) == 11
    assert services.counters.next_id("client_id") == 21


def test_a_repeated_transaction_has_the_token_of_its_first_try(services: Any) -> None:
    """DynamoDB carries out a token once, an emulator may not. Botocore makes the token."""
    with lost_answers("TransactWriteItems") as requests, suppress(RowChanged):
        services.mailings.add(Mailing(1, NOW, KEPT, "text"))
    tokens = [request["ClientRequestToken"] for request in requests]
    assert len(tokens) == 2
    assert len(set(tokens)) == 1


def test_a_write_without_any_answer_is_not_written_and_does_not_raise_another_error(services: Any) -> None:
    with lost_answers("UpdateItem"), never_repeated(), pytest.raises(NotWritten):
        services.slices.lease(1, 0, NOW, UNTIL, KEPT)
    with lost_answers("Query"), never_repeated(), pytest.raises(NotRead):
        services.messages.page(MessageShard(1, 0, 1), 0, 10)
    with lost_answers("Query"), never_repeated(), pytest.raises(NotRead):
        services.messages.queued_below(MessageShard(1, 0, 1), None, 10)
    with lost_answers("Query"), never_repeated(), pytest.raises(NotRead):
        services.slices.of_mailing(1)
    with lost_answers("Query"), never_repeated(), pytest.raises(NotRead):
        services.slices.reports(1, 1)
    with lost_answers("BatchGetItem"), never_repeated(), pytest.raises(NotRead):
        services.messages.existing(KEYS)
    with lost_answers("BatchWriteItem"), never_repeated(), pytest.raises(NotWritten):
        services.messages.add(MESSAGES[:1], KEPT)


def test_missing_credentials_are_no_throttled_table(services: Any) -> None:
    """A worker that takes them for one repeats its job without end, and nobody learns why."""

    def refuse(**_: Any) -> None:
        raise NoCredentialsError

    events = aws.client("dynamodb").meta.events
    events.register("before-call.dynamodb", refuse)
    try:
        with pytest.raises(GetError, match="credentials"):
            services.mailings.get(1)
        with pytest.raises(NoCredentialsError):
            services.messages.existing(KEYS)
        with pytest.raises(NoCredentialsError):
            services.messages.add(MESSAGES, KEPT)
    finally:
        events.unregister("before-call.dynamodb", refuse)
