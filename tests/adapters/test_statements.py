"""Claims and settlements by the batch: each entry succeeds, loses its race or is not confirmed by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters import aws
from chalicelib.adapters.aws import never_repeated
from chalicelib.adapters.tables.message_row import MessageRow, row_of
from chalicelib.delivery.settling import MIN_SECONDS_TO_WRITE
from chalicelib.domain.message import Claim, Message, Settlement
from chalicelib.domain.message_change import MessageChange, closing
from chalicelib.errors import NotWritten
from chalicelib.settings import Settings
from chalicelib.texts import Text
from infra.local.doubles.aws import make_services_over_tables
from infra.local.doubles.fake_clock import FakeClock
from infra.local.doubles.faulty_dynamodb import lost_answers, recorded, refused, refused_statements
from infra.local.doubles.held_items import BusyClock, HeldItems
from infra.local.in_process import State, ministack_in_process
from tests.message_changes import close, reopen

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=15)
KEPT = NOW + timedelta(days=400)
MESSAGES = [Message(1, client_id, "queued", NOW, shards=4) for client_id in range(1, 31)]
CLAIMS = [Claim(message.key, UNTIL, "contract") for message in MESSAGES]
SILENT = Text("gateway.silent", error="ReadTimeout")
OPERATION = "BatchExecuteStatement"


def as_claimed(message: Message) -> Message:
    claimed = replace(message, attempts=1, doubts=1, claimed_until=UNTIL.timestamp(), posted_at=NOW)
    return replace(claimed, gateway="contract", address=Settings().routes.addresses["contract"])


CLAIMED = [as_claimed(message) for message in MESSAGES]


def numbers(*wanted: int) -> Any:
    return lambda number: number in wanted


@pytest.fixture
def messages(services: Any) -> Any:
    services.messages.add(MESSAGES, KEPT)
    return services.messages


@pytest.fixture
def over_tables(new_stack: State) -> Iterator[Any]:
    """Services on MiniStack only, with faults of DynamoDB between."""
    with ministack_in_process(new_stack):
        services: Any = make_services_over_tables()
        services.clock = BusyClock()
        services.messages.add(MESSAGES, KEPT)
        yield services


def rows() -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = aws.client("dynamodb").scan(TableName="test-messages")["Items"]
    return sorted(items, key=lambda item: int(item["client_id"]["N"]))


# On both


def test_a_batch_claims_each_message_that_is_free(messages: Any) -> None:
    messages.claim(CLAIMS[1].key, NOW, UNTIL)
    close(messages, CLAIMS[2].key, "expired")
    absent = Claim(replace(CLAIMS[0].key, client_id=99), UNTIL, "contract")
    found = messages.claim_all([*CLAIMS[:4], absent], NOW)
    assert found == [CLAIMED[0], None, None, CLAIMED[3], None]
    assert messages.get(absent.key) is None
    assert messages.get(CLAIMS[3].key) == CLAIMED[3]


def test_thirty_messages_are_claimed_and_settled_in_their_order(messages: Any) -> None:
    claims = list(reversed(CLAIMS))
    claimed = messages.claim_all(claims, NOW)
    assert claimed == list(reversed(CLAIMED))
    assert messages.settle_all([Settlement(message, "sent") for message in claimed], NOW) == [True] * 30
    assert {messages.get(claim.key).status for claim in claims} == {"sent"}


def test_no_claims_and_no_settlements_have_no_results(messages: Any) -> None:
    assert messages.claim_all([], NOW) == []
    assert messages.settle_all([], NOW) == []


def test_a_message_twice_in_a_batch_is_claimed_once(messages: Any) -> None:
    """SQS may deliver a message twice in one batch."""
    assert messages.claim_all([CLAIMS[0], CLAIMS[1], CLAIMS[0]], NOW) == [CLAIMED[0], CLAIMED[1], None]


def test_each_claim_of_a_batch_has_its_own_end(messages: Any) -> None:
    claims = [replace(claim, until=NOW + timedelta(seconds=number)) for number, claim in enumerate(CLAIMS[:3], 1)]
    found = messages.claim_all(claims, NOW)
    assert [message.claimed_until - NOW.timestamp() for message in found] == [1, 2, 3]


def test_a_batch_settles_messages_with_different_results(messages: Any) -> None:
    later = NOW + timedelta(seconds=1)
    sent, failed, silent, unposted, _ = (
        replace(message, posted_at=later) for message in messages.claim_all(CLAIMS[:5], NOW)
    )
    settlements = [
        Settlement(sent, "sent"),
        Settlement(failed, "failed", SILENT),
        Settlement(silent, None, SILENT, in_doubt=True),
        Settlement(unposted),
    ]
    assert messages.settle_all(settlements, later) == [True] * 4
    assert [messages.get(message.key) for message in CLAIMED[:5]] == [
        replace(sent, status="sent", sent_at=later, claimed_until=None, doubts=0),
        replace(failed, status="failed", last_error=SILENT, claimed_until=None, doubts=0),
        replace(silent, last_error=SILENT, claimed_until=None),
        replace(CLAIMED[3], claimed_until=None, doubts=0, attempts_before=1),
        CLAIMED[4],
    ]


def test_only_the_settlements_of_lost_claims_are_refused(messages: Any) -> None:
    later = UNTIL + timedelta(seconds=9)
    first = messages.claim_all(CLAIMS[:4], NOW)
    [*second] = messages.claim_all([replace(claim, until=later) for claim in CLAIMS[:3]], UNTIL)
    settlements = [
        Settlement(first[0], "failed", SILENT),
        Settlement(first[1], None, SILENT),
        Settlement(first[2], "sent"),
        Settlement(first[3], "failed", SILENT),
    ]
    assert messages.settle_all(settlements, later) == [False, False, True, True]
    assert [messages.get(claim.key) for claim in CLAIMS[:2]] == second[:2]


def test_sent_removes_the_error_of_a_later_attempt(messages: Any) -> None:
    first = messages.claim(CLAIMS[0].key, NOW, UNTIL)
    second = messages.claim(CLAIMS[0].key, UNTIL, UNTIL + timedelta(seconds=9))
    assert messages.end_claim(second, SILENT, in_doubt=True)
    assert messages.settle(first, "sent", UNTIL)
    assert messages.get(CLAIMS[0].key).last_error is None


def test_a_message_that_was_reopened_can_be_settled_by_the_attempt_before(messages: Any) -> None:
    first = messages.claim(CLAIMS[0].key, NOW, UNTIL)
    close(messages, CLAIMS[0].key, "expired")
    reopen(messages, messages.get(CLAIMS[0].key), resends=1, reopened_in=1)
    assert messages.settle(first, "sent", UNTIL)


def test_a_settlement_that_is_repeated_has_the_same_result(messages: Any) -> None:
    """A sender repeats what is not confirmed, with the moment of its first try."""
    claimed = messages.claim_all(CLAIMS[:3], NOW)
    settlements = [
        Settlement(claimed[0], "sent"),
        Settlement(claimed[1], "failed", SILENT),
        Settlement(claimed[2], None, SILENT),
    ]
    assert messages.settle_all(settlements, NOW) == [True] * 3
    assert messages.settle_all(settlements, NOW) == [True] * 3
    assert messages.settle_all(settlements[:1], UNTIL) == [False], "another attempt sent it at another moment"


# On DynamoDB with faults


def closings(*numbers: int) -> list[MessageChange]:
    return [closing(MESSAGES[number], "expired", SILENT) for number in numbers]


def test_a_batch_of_changes_whose_answer_is_lost_meets_its_own_writes(over_tables: Any) -> None:
    """Their messages would otherwise stay among the queued ones in the counts until the mailing ends."""
    over_tables.messages.claim(CLAIMS[1].key, NOW, UNTIL)
    with lost_answers(OPERATION) as calls:
        assert over_tables.messages.change_all(closings(0, 1, 2)) == [True, False, True]
    assert len(calls) == 2, "botocore has repeated it"
    assert over_tables.messages.change_all(closings(0)) == [False], "the closing of another worker"


def test_a_change_that_stays_refused_is_not_written_and_the_others_are(over_tables: Any) -> None:
    with refused_statements("ThrottlingError", numbers(1), calls=1) as sizes:
        assert over_tables.messages.change_all(closings(0, 1, 2)) == [True] * 3
    assert sizes == [3, 1]
    with refused_statements("TransactionConflict", numbers(0), calls=10**6):
        found = over_tables.messages.change_all(closings(3, 4))
    assert [type(result) for result in found] == [NotWritten, bool]
    assert over_tables.messages.get(MESSAGES[3].key) == MESSAGES[3]


def test_a_change_writes_what_differs_and_what_claims_compare(over_tables: Any) -> None:
    before = rows()
    over_tables.messages.change_all(closings(0))
    after = rows()
    changed = {name for name in after[0] if after[0][name] != before[0].get(name)}
    assert changed == {"status", "last_error", "claimed_by"}
    assert after[1:] == before[1:]


def test_a_row_of_an_earlier_version_can_be_claimed_after_it_is_reopened(over_tables: Any) -> None:
    """Earlier versions removed the end of the claim from final rows."""
    row = row_of(MESSAGES[0].key)
    row.update([MessageRow.status.set("failed"), MessageRow.claimed_until.remove(), MessageRow.doubts.remove()])
    failed = over_tables.messages.get(MESSAGES[0].key)
    assert reopen(over_tables.messages, failed, resends=1, reopened_in=1)
    assert over_tables.messages.claim(MESSAGES[0].key, NOW, UNTIL).attempts == 1


def test_a_batch_of_thirty_makes_two_calls(over_tables: Any) -> None:
    with recorded(OPERATION) as calls:
        assert over_tables.messages.claim_all(CLAIMS, NOW) == CLAIMED
    assert [len(call["Statements"]) for call in calls] == [25, 5]


def test_a_message_twice_in_a_batch_is_in_two_calls(over_tables: Any) -> None:
    with recorded(OPERATION) as calls:
        over_tables.messages.claim_all([CLAIMS[0], CLAIMS[0], CLAIMS[1]], NOW)
    assert [len(call["Statements"]) for call in calls] == [2, 1]


def test_a_claim_changes_no_other_attribute_of_its_row(over_tables: Any) -> None:
    before = rows()
    over_tables.messages.claim_all(CLAIMS[:2], NOW)
    changed = ("claimed_until", "claimed_by", "posted_at", "attempts", "doubts", "gateway")
    after = rows()
    assert after[2:] == before[2:]
    for row, old in zip(after[:2], before, strict=False):
        assert set(row) == set(old) | {"claimed_by", "posted_at", "gateway"}
        assert {name: value for name, value in row.items() if name not in changed} == {
            name: value for name, value in old.items() if name not in changed
        }


def test_a_settlement_changes_no_other_attribute_of_its_row(over_tables: Any) -> None:
    claimed = over_tables.messages.claim_all(CLAIMS[:2], NOW)
    before = rows()
    over_tables.messages.settle_all([Settlement(claimed[0], "sent"), Settlement(claimed[1])], NOW)
    after = rows()
    assert {name for name in after[0] if after[0][name] != before[0].get(name)} == {
        "status",
        "claimed_until",
        "doubts",
        "last_error",
        "sent_at",
    }
    assert {name for name in after[1] if after[1][name] != before[1].get(name)} == {
        "claimed_until",
        "doubts",
        "attempts_before",
    }
    assert set(before[0]) < set(after[0])
    assert after[2:] == before[2:]


@pytest.mark.parametrize(
    "code",
    [
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "InternalServerError",
        "TransactionConflict",
    ],
)
def test_a_statement_that_is_refused_for_a_moment_is_repeated_alone(over_tables: Any, code: str) -> None:
    """Source of the codes: DynamoDB API Reference, BatchStatementError."""
    with refused_statements(code, numbers(1, 3), calls=2) as sizes:
        assert over_tables.messages.claim_all(CLAIMS[:5], NOW) == CLAIMED[:5]
    assert sizes == [5, 2, 1], "the second call has two statements, of which the second is refused again"
    assert over_tables.clock.now() > FakeClock().now(), "the clock of the test moves by the pauses only"


def test_a_statement_that_stays_refused_is_not_written_and_the_others_are(over_tables: Any) -> None:
    with refused_statements("ThrottlingError", numbers(0), calls=10**6):
        found = over_tables.messages.claim_all(CLAIMS[:3], NOW)
    assert isinstance(found[0], NotWritten)
    assert found[1:] == CLAIMED[1:3]
    assert over_tables.messages.get(CLAIMS[0].key) == MESSAGES[0]
    claimed = over_tables.messages.claim_all(CLAIMS[:1], NOW)
    with refused_statements("TransactionConflict", numbers(0), calls=10**6), pytest.raises(NotWritten):
        over_tables.messages.settle(claimed[0], "sent", NOW)


def test_a_settlement_that_stays_refused_ends_within_the_time_that_a_sender_keeps_for_it(over_tables: Any) -> None:
    """A sender tries again while more than this is left, and counts its batch afterwards."""
    claimed = over_tables.messages.claim_all(CLAIMS, NOW)
    before = over_tables.clock.now()
    with refused_statements("ThrottlingError", numbers(0), calls=10**6):
        settled = over_tables.messages.settle_all([Settlement(message, "sent") for message in claimed], NOW)
    assert [isinstance(result, NotWritten) for result in settled].count(True) == 1
    assert (over_tables.clock.now() - before).total_seconds() < MIN_SECONDS_TO_WRITE


def test_a_statement_whose_row_a_transaction_holds_waits_for_its_end(over_tables: Any) -> None:
    with HeldItems(over_tables.clock, seconds=0.3).installed() as held:
        held.hold("test-messages", {"part": {"S": "1#2"}, "client_id": {"N": "2"}})
        assert over_tables.messages.claim_all(CLAIMS[:3], NOW) == CLAIMED[:3]
    assert held.conflicts
    assert [len(body["Statements"]) for _, body in held.calls][:2] == [3, 1]


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError"]
)
def test_a_call_that_is_refused_as_a_whole_leaves_each_entry_unconfirmed(over_tables: Any, code: str) -> None:
    with refused(OPERATION, code), recorded(OPERATION) as calls:
        found = over_tables.messages.claim_all(CLAIMS[:3], NOW)
    assert [type(result) for result in found] == [NotWritten] * 3
    assert len(calls) > 1, "it is repeated"


def test_a_batch_whose_answer_is_lost_meets_its_own_writes(over_tables: Any) -> None:
    over_tables.messages.claim(CLAIMS[1].key, NOW, UNTIL)
    with lost_answers(OPERATION) as calls:
        claimed = over_tables.messages.claim_all(CLAIMS[:3], NOW)
    assert claimed == [CLAIMED[0], None, CLAIMED[2]], "and not the claim of another"
    assert len(calls) == 2, "botocore has repeated it"
    with lost_answers(OPERATION):
        settlements = [Settlement(claimed[0], "sent"), Settlement(claimed[2], None, SILENT)]
        assert over_tables.messages.settle_all(settlements, NOW) == [True, True]


def test_a_batch_without_an_answer_is_repeated_and_meets_its_own_writes(over_tables: Any) -> None:
    """Botocore has given up: the adapter tries again within its time."""
    with never_repeated():
        with lost_answers(OPERATION):
            assert over_tables.messages.claim_all(CLAIMS[:3], NOW) == CLAIMED[:3]
        with lost_answers(OPERATION, number=10**6):
            settled = over_tables.messages.settle_all([Settlement(CLAIMED[0], "sent")], NOW)
    assert [type(result) for result in settled] == [NotWritten]
    assert over_tables.messages.get(CLAIMS[0].key).status == "sent"


def test_a_claim_that_has_ended_is_not_taken_for_the_own(over_tables: Any) -> None:
    """A repeated statement finds the row after another writer has closed it."""

    def close_it(**_: Any) -> None:
        row_of(CLAIMS[0].key).update([MessageRow.status.set("expired"), MessageRow.claimed_until.set(0)])

    events = aws.client("dynamodb").meta.events
    events.register("needs-retry.dynamodb.BatchExecuteStatement", close_it)
    try:
        with lost_answers(OPERATION):
            assert over_tables.messages.claim_all(CLAIMS[:2], NOW) == [None, CLAIMED[1]]
    finally:
        events.unregister("needs-retry.dynamodb.BatchExecuteStatement", close_it)


@pytest.mark.parametrize("code", ["AccessDenied", "ValidationError", "ResourceNotFound"])
def test_an_error_that_nobody_expects_is_the_result_of_its_statement_only(over_tables: Any, code: str) -> None:
    with refused_statements(code, numbers(1), calls=10**6) as sizes:
        found = over_tables.messages.claim_all(CLAIMS[:3], NOW)
    assert [found[0], found[2]] == [CLAIMED[0], CLAIMED[2]], "the claims beside it took effect"
    assert type(found[1]) is ClientError
    assert code in str(found[1])
    assert sizes == [3], "it would meet the same error again"
    with refused_statements(code, numbers(0), calls=10**6), pytest.raises(ClientError, match=code):
        over_tables.messages.settle(found[0], "sent", NOW)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException"])
def test_a_call_that_is_refused_for_good_loses_no_answer_of_another_call(over_tables: Any, code: str) -> None:
    with refused(OPERATION, code), recorded(OPERATION) as calls:
        found = over_tables.messages.claim_all(CLAIMS, NOW)
    assert [type(result) for result in found] == [ClientError] * 30
    assert [len(call["Statements"]) for call in calls] == [25, 5], "each is tried once"
