from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from pynamodb.exceptions import UpdateError

from chalicelib.adapters.tables.messages import MessageRow, _updated
from chalicelib.domain.message import Message
from chalicelib.errors import NotWritten
from tests.aws import make_services
from tests.fakes import FakeServices

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=15)
LATER = NOW + timedelta(seconds=15)
KEPT = NOW + timedelta(days=400)
MESSAGE = Message(1, 7, "queued", NOW)


@pytest.fixture
def messages(services: Any) -> Any:
    services.messages.add([MESSAGE], 1, KEPT)
    return services.messages


def test_what_was_added_is_read_back(messages: Any) -> None:
    assert messages.get(1, 7, 1) == MESSAGE
    assert messages.get(1, 8, 1) is None
    assert messages.existing(1, [7, 8], 1) == {7: MESSAGE}


def test_messages_that_are_written_together_keep_what_is_their_own(services: Any) -> None:
    written = [
        Message(1, 1, "queued", NOW),
        Message(1, 2, "queued", NOW),
        Message(1, 3, "expired", NOW),
        Message(1, 4, "queued", LATER),
        Message(1, 5, "queued", NOW, timezone="Asia/Omsk"),
    ]
    services.messages.add(written, 3, KEPT)
    assert services.messages.existing(1, range(1, 6), 3) == {message.client_id: message for message in written}


def test_a_claim_is_given_to_one_until_it_is_over(messages: Any) -> None:
    claimed = messages.claim(1, 7, 1, NOW, UNTIL)
    assert claimed == replace(MESSAGE, attempts=1, claimed_until=UNTIL.timestamp(), posted_at=NOW)
    assert messages.claim(1, 7, 1, NOW + timedelta(seconds=14), UNTIL) is None
    again = messages.claim(1, 7, 1, LATER, LATER + timedelta(seconds=9))
    assert again.attempts == 2


def test_nobody_claims_what_is_not_there_and_the_try_makes_no_row(messages: Any) -> None:
    assert messages.claim(1, 8, 1, NOW, UNTIL) is None
    assert messages.get(1, 8, 1) is None


@pytest.mark.parametrize("status", ["sent", "failed", "expired", "cancelled", "unknown"])
def test_a_settled_message_is_final(messages: Any, status: str) -> None:
    claimed = messages.claim(1, 7, 1, NOW, UNTIL)
    assert messages.settle(claimed, status, 1, LATER, "why")
    found = messages.get(1, 7, 1)
    assert (found.status, found.last_error, found.claimed_until) == (status, "why", None)
    assert found.sent_at == (LATER if status == "sent" else None)
    assert messages.claim(1, 7, 1, LATER, UNTIL) is None
    for other in ("sent", "failed"):
        assert not messages.settle(claimed, other, 1, LATER)
    assert not messages.close(1, 7, 1, "expired", LATER)
    assert not messages.release_claim(claimed, 1, "late")
    assert messages.get(1, 7, 1) == found


def test_a_result_other_than_sent_counts_only_while_the_claim_is_ours(messages: Any) -> None:
    first = messages.claim(1, 7, 1, NOW, UNTIL)
    second = messages.claim(1, 7, 1, LATER, LATER + timedelta(seconds=9))
    assert not messages.settle(first, "failed", 1, LATER)
    assert not messages.release_claim(first, 1, "late")
    assert messages.get(1, 7, 1) == second
    assert messages.settle(first, "sent", 1, LATER)
    assert not messages.settle(second, "sent", 1, LATER)


def test_a_released_message_can_be_claimed_at_once_and_keeps_its_error(messages: Any) -> None:
    claimed = messages.claim(1, 7, 1, NOW, UNTIL)
    assert messages.release_claim(claimed, 1, "no answer")
    found = messages.get(1, 7, 1)
    assert (found.status, found.last_error, found.claimed_until) == ("queued", "no answer", None)
    assert messages.claim(1, 7, 1, NOW, UNTIL).attempts == 2


def test_a_success_clears_the_error_of_the_attempt_before(messages: Any) -> None:
    messages.release_claim(messages.claim(1, 7, 1, NOW, UNTIL), 1, "no answer")
    messages.settle(messages.claim(1, 7, 1, NOW, UNTIL), "sent", 1, NOW)
    assert messages.get(1, 7, 1).last_error is None


def test_only_a_message_that_no_attempt_holds_is_closed(messages: Any) -> None:
    messages.claim(1, 7, 1, NOW, UNTIL)
    assert not messages.close(1, 7, 1, "expired", NOW)
    assert messages.close(1, 7, 1, "expired", LATER)
    assert messages.get(1, 7, 1).status == "expired"
    assert not messages.close(1, 8, 1, "expired", LATER)


def test_a_message_given_up_is_revived_once_and_remembers_the_order(messages: Any) -> None:
    claimed = messages.claim(1, 7, 1, NOW, UNTIL)
    messages.settle(claimed, "failed", 1, NOW, "no")
    failed = messages.get(1, 7, 1)
    assert messages.revive(failed, 1, 3)
    assert not messages.revive(failed, 1, 3)
    found = messages.get(1, 7, 1)
    assert (found.status, found.resends) == ("queued", 3)
    assert messages.claim(1, 7, 1, NOW, UNTIL).attempts == 2


@pytest.mark.parametrize("status", ["sent", "cancelled", "queued"])
def test_nobody_else_is_revived(messages: Any, status: str) -> None:
    with pytest.raises(ValueError, match="cannot become"):
        messages.revive(replace(MESSAGE, status=status), 1, 1)


def test_the_time_of_the_post_is_kept_with_its_result(messages: Any) -> None:
    claimed = messages.claim(1, 7, 1, NOW, UNTIL)
    messages.release_claim(replace(claimed, posted_at=NOW + timedelta(seconds=1)), 1, "no answer")
    assert messages.get(1, 7, 1).posted_at == NOW + timedelta(seconds=1)
    claimed = messages.claim(1, 7, 1, LATER, LATER + timedelta(seconds=9))
    messages.settle(replace(claimed, posted_at=LATER + timedelta(seconds=2)), "sent", 1, LATER)
    assert messages.get(1, 7, 1).posted_at == LATER + timedelta(seconds=2)


def test_a_release_without_a_post_leaves_the_error_of_the_one_before(messages: Any) -> None:
    messages.release_claim(messages.claim(1, 7, 1, NOW, UNTIL), 1, "no answer")
    messages.release_claim(messages.claim(1, 7, 1, NOW, UNTIL), 1, None)
    assert messages.get(1, 7, 1).last_error == "no answer"


@pytest.mark.parametrize("doubtful", ["fake", "aws"], indirect=True)
def test_without_a_gateway_that_dedupes_an_attempt_that_died_leaves_the_message_in_doubt(doubtful: Any) -> None:
    doubtful.add([MESSAGE], 1, KEPT)
    doubtful.claim(1, 7, 1, NOW, UNTIL)
    assert not doubtful.doubt(1, 7, 1, NOW, "no word"), "the attempt is under way"
    assert doubtful.claim(1, 7, 1, LATER, LATER + timedelta(seconds=9)) is None
    assert not doubtful.close(1, 7, 1, "expired", LATER)
    assert doubtful.doubt(1, 7, 1, LATER, "no word")
    assert not doubtful.doubt(1, 7, 1, LATER, "no word")
    found = doubtful.get(1, 7, 1)
    assert (found.status, found.last_error, found.claimed_until) == ("unknown", "no word", None)
    assert doubtful.revive(found, 1, 1)
    assert doubtful.claim(1, 7, 1, LATER, LATER + timedelta(seconds=9)).attempts == 2


@pytest.fixture
def doubtful(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "fake":
        yield FakeServices(gateway_dedupes=False).messages
        return
    with mock_aws():
        yield make_services(gateway_dedupes=False).messages


def test_messages_are_read_in_pages_of_one_mailing(services: Any) -> None:
    many = [Message(1, client_id, "queued", NOW) for client_id in range(1, 61)]
    services.messages.add([*many, Message(2, 1, "queued", NOW)], 1, KEPT)
    services.messages.close(1, 5, 1, "expired", NOW)
    services.messages.close(1, 50, 1, "expired", NOW)
    assert [message.client_id for message in services.messages.page(1, 0, 0, 100)] == list(range(1, 61))
    assert [message.client_id for message in services.messages.page(1, 0, 20, 3)] == [21, 22, 23]
    assert [message.client_id for message in services.messages.page(1, 0, 0, 9, ["expired"])] == [5, 50]
    assert [message.client_id for message in services.messages.page(1, 0, 5, 9, ["expired", "sent"])] == [50]
    assert [message.client_id for message in services.messages.page(2, 0, 0, 9)] == [1]


def test_a_message_waits_by_one_clock_as_long_as_it_is_queued(messages: Any, services: Any) -> None:
    messages.await_hours(1, 7, 1, "Asia/Kolkata")
    messages.await_hours(1, 8, 1, "Asia/Kolkata")
    assert messages.get(1, 7, 1) == replace(MESSAGE, timezone="Asia/Kolkata")
    assert messages.get(1, 8, 1) is None
    final = replace(MESSAGE, client_id=9, status="expired", timezone="Europe/Moscow")
    messages.add([final], 1, KEPT)
    messages.await_hours(1, 9, 1, "Asia/Kolkata")
    assert messages.get(1, 9, 1) == final


class HeldRow:
    """A row that a transaction has hold of at this moment."""

    part, client_id = "1#0", 7

    def update(self, **_: Any) -> None:
        cause = ClientError({"Error": {"Code": "TransactionConflictException"}}, "UpdateItem")
        raise UpdateError("refused", cause)


def test_a_row_that_a_transaction_has_hold_of_may_yet_be_written() -> None:
    """It is not taken for one that somebody else has finished: its message would wait for nobody."""
    row: Any = HeldRow()
    with pytest.raises(NotWritten):
        _updated(row, [], MessageRow.status == "queued")
