from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.tables.message_row import MessageRow
from chalicelib.adapters.tables.messages import Messages
from chalicelib.domain.expiry import ENDED_FIRST
from chalicelib.domain.message import NO_ANSWER as IN_DOUBT
from chalicelib.domain.message import Claim, Message, MessageKey, MessageShard, Settlement
from chalicelib.domain.message_change import awaiting_hours, closing, reopening, restoring
from chalicelib.domain.routes import Routes
from chalicelib.settings import Settings
from chalicelib.texts import Text
from infra.local.doubles.aws import make_services_over_tables
from infra.local.doubles.fake_messages import FakeMessages
from infra.local.doubles.fakes import FakeServices
from infra.local.in_process import State, ministack_in_process
from tests.message_changes import close, reopen

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(seconds=15)
LATER = NOW + timedelta(seconds=15)
KEPT = NOW + timedelta(days=400)
MESSAGE = Message(1, 7, "queued", NOW)
KEY = MESSAGE.key
OTHER = MessageKey(1, 8, 1)
NO_ANSWER = Text("gateway.silent", error="ReadTimeout")


@pytest.fixture
def messages(services: Any) -> Any:
    services.messages.add([MESSAGE], KEPT)
    return services.messages


def test_a_message_is_read_as_it_was_added(messages: Any) -> None:
    assert messages.get(KEY) == MESSAGE
    assert messages.get(OTHER) is None
    assert messages.existing([KEY, OTHER]) == {7: MESSAGE}


def test_the_messages_of_one_client_are_read_from_many_mailings(services: Any) -> None:
    own = [Message(mailing_id, 7, "queued", NOW, shards=mailing_id % 5 + 1) for mailing_id in range(1, 121)]
    services.messages.add([*own[1:], Message(1, 8, "queued", NOW)], KEPT)
    found = services.messages.of_client(message.key for message in own)
    assert found == {message.mailing_id: message for message in own[1:]}


def test_the_clients_that_received_a_mailing_are_found_by_their_keys(services: Any) -> None:
    """Those are not, whose message was not sent or did not arrive, or is of another mailing."""
    statuses = ("queued", "sent", "delivered", "undelivered", "failed", "expired", "cancelled", "unknown")
    rows = [Message(1, number, status, NOW, shards=3) for number, status in enumerate(statuses, 1)]
    services.messages.add([*rows, Message(2, 9, "sent", NOW, shards=3)], KEPT)
    keys = [MessageKey(1, client_id, 3) for client_id in range(1, 150)]
    assert services.messages.received(keys) == {2, 3}
    assert services.messages.received([]) == set()


def test_messages_written_together_keep_their_own_fields(services: Any) -> None:
    written = [
        Message(1, 1, "queued", NOW, shards=3),
        Message(1, 2, "queued", NOW, shards=3),
        Message(1, 3, "expired", NOW, shards=3),
        Message(1, 4, "queued", LATER, shards=3),
        Message(1, 5, "queued", NOW, timezone="Asia/Omsk", shards=3),
    ]
    services.messages.add(written, KEPT)
    assert services.messages.existing(message.key for message in written) == {
        message.client_id: message for message in written
    }


def test_a_message_is_claimed_once_until_the_claim_ends(messages: Any) -> None:
    claimed = messages.claim(KEY, NOW, UNTIL)
    changed = replace(MESSAGE, attempts=1, doubts=1, claimed_until=UNTIL.timestamp(), posted_at=NOW)
    assert claimed == replace(changed, gateway="contract", address=Settings().routes.addresses["contract"])
    assert messages.claim(KEY, NOW + timedelta(seconds=14), UNTIL) is None
    again = messages.claim(KEY, LATER, LATER + timedelta(seconds=9))
    assert again.attempts == 2


@pytest.mark.parametrize("at", [NOW - timedelta(days=9, microseconds=7), None])
def test_a_claim_of_marketing_names_the_consent_and_no_other_write_changes_it(messages: Any, at: Any) -> None:
    for given in (NOW - timedelta(days=99), at):
        [claimed] = messages.claim_all([Claim(KEY, UNTIL, "contract", True, given)], NOW)
        assert claimed.consent_at == given
        assert messages.get(KEY).consent_at == given
        messages.end_claim(claimed, NO_ANSWER)
    claimed = messages.claim(KEY, NOW, UNTIL)
    assert claimed.consent_at == at
    assert messages.settle(claimed, "sent", NOW)
    assert messages.get(KEY).consent_at == at


def test_an_absent_message_cannot_be_claimed_and_no_row_is_created(messages: Any) -> None:
    assert messages.claim(OTHER, NOW, UNTIL) is None
    assert messages.get(OTHER) is None


@pytest.mark.parametrize("status", ["sent", "failed", "expired", "cancelled", "unknown"])
def test_a_settled_message_is_final(messages: Any, status: str) -> None:
    claimed = messages.claim(KEY, NOW, UNTIL)
    assert messages.settle(claimed, status, LATER, NO_ANSWER)
    found = messages.get(KEY)
    assert (found.status, found.last_error, found.claimed_until) == (status, NO_ANSWER, None)
    assert found.sent_at == (LATER if status == "sent" else None)
    assert messages.claim(KEY, LATER, UNTIL) is None
    for other in ("sent", "failed"):
        assert not messages.settle(claimed, other, LATER)
    assert messages.change_all([closing(claimed, "expired")]) == [False]
    assert not messages.end_claim(claimed, NO_ANSWER)
    assert messages.get(KEY) == found


def test_an_outcome_other_than_sent_is_stored_only_during_the_claim(messages: Any) -> None:
    first = messages.claim(KEY, NOW, UNTIL)
    second = messages.claim(KEY, LATER, LATER + timedelta(seconds=9))
    assert not messages.settle(first, "failed", LATER)
    assert not messages.end_claim(first, NO_ANSWER)
    assert messages.get(KEY) == second
    assert messages.settle(first, "sent", LATER)
    assert not messages.settle(second, "sent", LATER)


def test_a_released_message_can_be_claimed_at_once_and_keeps_its_error(messages: Any) -> None:
    claimed = messages.claim(KEY, NOW, UNTIL)
    assert messages.end_claim(claimed, NO_ANSWER)
    found = messages.get(KEY)
    assert (found.status, found.last_error, found.claimed_until) == ("queued", NO_ANSWER, None)
    assert messages.claim(KEY, NOW, UNTIL).attempts == 2


def test_a_success_clears_the_error_of_the_previous_attempt(messages: Any) -> None:
    messages.end_claim(messages.claim(KEY, NOW, UNTIL), NO_ANSWER)
    messages.settle(messages.claim(KEY, NOW, UNTIL), "sent", NOW)
    assert messages.get(KEY).last_error is None


def test_a_message_that_was_claimed_since_it_was_read_is_not_closed(messages: Any) -> None:
    claimed = messages.claim(KEY, NOW, UNTIL)
    assert messages.change_all([closing(MESSAGE, "expired")]) == [False]
    assert messages.get(KEY) == claimed
    absent = replace(MESSAGE, client_id=8)
    assert messages.change_all([closing(absent, "expired")]) == [False]
    assert messages.get(OTHER) is None


def test_a_message_whose_claim_has_ended_is_not_closed_if_its_result_comes_first(messages: Any) -> None:
    claimed = messages.claim(KEY, NOW, UNTIL)
    messages.end_claim(claimed, NO_ANSWER)
    assert messages.change_all([closing(claimed, "expired", ENDED_FIRST)]) == [False]
    assert close(messages, KEY, "expired", ENDED_FIRST)
    assert messages.get(KEY).last_error == NO_ANSWER


def test_messages_are_changed_together_and_each_by_itself(services: Any) -> None:
    many = [Message(1, client_id, "queued", NOW, shards=2) for client_id in range(1, 61)]
    services.messages.add(many, KEPT)
    services.messages.claim(many[4].key, NOW, UNTIL)
    changes = [closing(message, "cancelled") for message in reversed(many)]
    assert services.messages.change_all(changes) == [message.client_id != 5 for message in reversed(many)]
    found = services.messages.existing([message.key for message in many])
    assert {number for number, message in found.items() if message.status == "cancelled"} == {*range(1, 61)} - {5}
    assert services.messages.change_all([]) == []


def test_a_message_that_is_changed_twice_in_a_batch_is_changed_once(messages: Any) -> None:
    """SQS may deliver a message twice in one batch."""
    changes = [closing(MESSAGE, "expired"), closing(MESSAGE, "cancelled")]
    assert messages.change_all(changes) == [True, False]
    assert messages.get(KEY).status == "expired"


def test_a_failed_message_is_reopened_once_and_stores_the_order(messages: Any) -> None:
    claimed = messages.claim(KEY, NOW, UNTIL)
    messages.settle(claimed, "failed", NOW, NO_ANSWER)
    failed = messages.get(KEY)
    assert reopen(messages, failed, 3, reopened_in=2)
    assert not reopen(messages, failed, 3, reopened_in=2)
    found = messages.get(KEY)
    assert (found.status, found.resends, found.reopened_from) == ("queued", 3, "failed")
    assert messages.claim(KEY, NOW, UNTIL).attempts == 2


def test_a_reopened_message_gets_its_status_back_unless_an_attempt_has_begun(messages: Any) -> None:
    messages.settle(messages.claim(KEY, NOW, UNTIL), "failed", NOW, NO_ANSWER)
    reopen(messages, messages.get(KEY), 1, reopened_in=2)
    reopened = messages.get(KEY)
    assert restoring(reopened, 1) is None, "another round has reopened it"
    assert restoring(replace(reopened, reopened_from=None), 2) is None, "an earlier version has reopened it"
    change = restoring(reopened, 2)
    assert change is not None
    messages.claim(KEY, NOW, UNTIL)
    assert restoring(messages.get(KEY), 2) is None
    assert messages.change_all([change]) == [False]
    assert messages.get(KEY).status == "queued"
    messages.end_claim(messages.get(KEY), None)
    change = restoring(messages.get(KEY), 2)
    assert change is not None
    assert messages.change_all([change]) == [True]
    assert (messages.get(KEY).status, messages.get(KEY).last_error) == ("failed", NO_ANSWER)


@pytest.mark.parametrize("is_attempted", [True, False])
def test_a_message_that_fails_again_is_not_reopened_for_the_order_that_it_had(
    messages: Any, is_attempted: bool
) -> None:
    def fail() -> None:
        if is_attempted:
            messages.settle(messages.claim(KEY, NOW, UNTIL), "failed", NOW, NO_ANSWER)
        else:
            close(messages, KEY, "failed", NO_ANSWER)

    fail()
    failed = messages.get(KEY)
    assert reopen(messages, failed, 1, reopened_in=2)
    fail()
    assert not reopen(messages, failed, 1, reopened_in=2), "a slow worker of the same order"
    assert reopen(messages, messages.get(KEY), 2, reopened_in=3)


def test_a_claim_is_a_doubt_until_its_attempt_has_a_clear_outcome(messages: Any) -> None:
    def attempt(ends: bool = True, in_doubt: bool = False) -> int:
        claimed = messages.claim(KEY, NOW, NOW)
        if ends:
            assert messages.end_claim(claimed, NO_ANSWER, in_doubt)
        return int(messages.get(KEY).doubts)

    assert [attempt(), attempt(in_doubt=True), attempt(), attempt(ends=False), attempt()] == [0, 1, 1, 2, 2]


@pytest.mark.parametrize(("status", "doubts"), [("expired", 2), ("unknown", 0), ("failed", 0)])
def test_only_an_expired_message_keeps_its_doubts_until_it_is_reopened(messages: Any, status: str, doubts: int) -> None:
    messages.end_claim(messages.claim(KEY, NOW, UNTIL), NO_ANSWER, in_doubt=True)
    messages.end_claim(messages.claim(KEY, NOW, UNTIL), NO_ANSWER, in_doubt=True)
    close(messages, KEY, status, NO_ANSWER)
    assert messages.get(KEY).doubts == doubts
    reopen(messages, messages.get(KEY), resends=1, reopened_in=1)
    assert messages.claim(KEY, NOW, UNTIL).doubts == doubts + 1


def test_a_settled_message_has_no_doubts(messages: Any) -> None:
    messages.settle(messages.claim(KEY, NOW, UNTIL), "sent", NOW)
    assert messages.get(KEY).doubts == 0


@pytest.mark.parametrize("status", ["sent", "cancelled", "queued"])
def test_other_messages_are_not_reopened(messages: Any, status: str) -> None:
    with pytest.raises(ValueError, match="cannot become"):
        reopen(messages, replace(MESSAGE, status=status), 1, reopened_in=2)


def test_the_time_of_the_post_is_stored_with_its_outcome(messages: Any) -> None:
    claimed = messages.claim(KEY, NOW, UNTIL)
    messages.end_claim(replace(claimed, posted_at=NOW + timedelta(seconds=1)), NO_ANSWER)
    assert messages.get(KEY).posted_at == NOW + timedelta(seconds=1)
    claimed = messages.claim(KEY, LATER, LATER + timedelta(seconds=9))
    messages.settle(replace(claimed, posted_at=LATER + timedelta(seconds=2)), "sent", LATER)
    assert messages.get(KEY).posted_at == LATER + timedelta(seconds=2)


@pytest.mark.parametrize("status", ["sent", "failed", "unknown", None])
def test_the_parts_and_the_cost_of_a_post_are_stored_with_its_outcome(messages: Any, status: str | None) -> None:
    claimed = replace(messages.claim(KEY, NOW, UNTIL), posted_at=NOW, parts=2, cost=7_000_000)
    settlement = Settlement(claimed, status, None if status == "sent" else NO_ANSWER)
    assert messages.settle_all([settlement], NOW) == [True]
    assert (messages.get(KEY).parts, messages.get(KEY).cost) == (2, 7_000_000)
    assert messages.settle_all([settlement], NOW) == [True], "it recognizes its own write"


def test_an_attempt_without_a_post_keeps_the_parts_and_the_cost_of_the_one_before(messages: Any) -> None:
    posted = replace(messages.claim(KEY, NOW, UNTIL), posted_at=NOW, parts=2, cost=7)
    messages.settle_all([Settlement(posted, None, NO_ANSWER, in_doubt=True)], NOW)
    messages.end_claim(messages.claim(KEY, LATER, LATER + timedelta(seconds=9)), None)
    assert (messages.get(KEY).parts, messages.get(KEY).cost) == (2, 7)


def test_a_row_of_an_earlier_version_has_no_parts_and_no_cost(messages: Any) -> None:
    assert (messages.get(KEY).parts, messages.get(KEY).cost) == (0, 0)


def test_a_release_without_a_post_keeps_the_previous_error(messages: Any) -> None:
    messages.end_claim(messages.claim(KEY, NOW, UNTIL), NO_ANSWER)
    messages.end_claim(messages.claim(KEY, NOW, UNTIL), None)
    assert messages.get(KEY).last_error == NO_ANSWER


@pytest.mark.parametrize("doubtful", ["fake", "aws"], indirect=True)
def test_without_a_gateway_that_deduplicates_an_attempt_that_died_leaves_the_message_in_doubt(doubtful: Any) -> None:
    doubtful.add([MESSAGE], KEPT)
    doubtful.claim(KEY, NOW, UNTIL)
    assert doubtful.claim(KEY, LATER, LATER + timedelta(seconds=9)) is None
    assert close(doubtful, KEY, "unknown", IN_DOUBT)
    found = doubtful.get(KEY)
    assert (found.status, found.last_error, found.claimed_until) == ("unknown", IN_DOUBT, None)
    assert reopen(doubtful, found, 1, reopened_in=2)
    assert doubtful.claim(KEY, LATER, LATER + timedelta(seconds=9)).attempts == 2


@pytest.fixture
def doubtful(request: pytest.FixtureRequest, new_stack: State) -> Iterator[Any]:
    if request.param == "fake":
        yield FakeServices(gateway_dedupes=False).messages
        return
    with ministack_in_process(new_stack):
        yield make_services_over_tables(gateway_dedupes=False).messages


def test_the_messages_of_one_mailing_are_read_in_pages(services: Any) -> None:
    many = [Message(1, client_id, "queued", NOW) for client_id in range(1, 61)]
    services.messages.add([*many, Message(2, 1, "queued", NOW)], KEPT)
    close(services.messages, MessageKey(1, 5, 1), "expired")
    close(services.messages, MessageKey(1, 50, 1), "expired")

    def page(*arguments: Any) -> list[int]:
        return [message.client_id for message in services.messages.page(MessageShard(1, 0, 1), *arguments)]

    assert page(0, 100) == list(range(1, 61))
    assert page(20, 3) == [21, 22, 23]
    assert page(0, 9, ["expired"]) == [5, 50]
    assert page(5, 9, ["expired", "sent"]) == [50]
    assert [message.client_id for message in services.messages.page(MessageShard(2, 0, 1), 0, 9)] == [1]


def test_the_time_zone_of_a_waiting_message_is_stored_while_it_is_queued(messages: Any) -> None:
    waits = awaiting_hours(MESSAGE, "Asia/Kolkata")
    assert waits is not None
    assert messages.change_all([waits]) == [True]
    found = messages.get(KEY)
    assert found == replace(MESSAGE, timezone="Asia/Kolkata")
    assert awaiting_hours(found, "Asia/Kolkata") is None, "it is stored already"
    close(messages, KEY, "expired")
    moved = awaiting_hours(found, "Europe/Moscow")
    assert moved is not None
    assert messages.change_all([moved]) == [False]
    assert messages.get(KEY) == replace(found, status="expired")


def test_a_shard_has_its_own_messages(services: Any) -> None:
    services.messages.add([Message(1, client_id, "queued", NOW, shards=3) for client_id in range(1, 8)], KEPT)
    found = [services.messages.page(MessageShard(1, number, 3), 0, 9) for number in range(3)]
    assert [[message.client_id for message in page] for page in found] == [[3, 6], [1, 4, 7], [2, 5]]
    assert {message.shards for page in found for message in page} == {3}


def test_a_reason_is_stored_by_its_code_and_one_of_an_earlier_version_is_read_unchanged(new_stack: State) -> None:
    with ministack_in_process(new_stack):
        made = make_services_over_tables()
        made.messages.add([MESSAGE], KEPT)
        close(made.messages, KEY, "failed", Text("gateway.answered", status=503))
        row = MessageRow.get("1#0", 7)
        assert row.to_dynamodb_dict()["last_error"] == {"S": '{"code":"gateway.answered","status":503}'}
        assert row.message(1).last_error == Text("gateway.answered", status=503)
        for earlier in ("The gateway answered 503.", '{"what": 1}'):
            assert str(MessageRow.last_error.deserialize(earlier)) == earlier


def test_an_expired_message_keeps_the_error_of_its_attempt(messages: Any) -> None:
    messages.end_claim(messages.claim(KEY, NOW, UNTIL), NO_ANSWER)
    assert close(messages, KEY, "expired", ENDED_FIRST)
    found = messages.get(KEY)
    assert (found.status, found.last_error) == ("expired", NO_ANSWER)
    reopen(messages, found, resends=1, reopened_in=2)
    assert messages.get(KEY).last_error == NO_ANSWER


def test_an_expired_message_without_an_attempt_has_the_reason_until_it_is_reopened(messages: Any) -> None:
    assert close(messages, KEY, "expired", ENDED_FIRST)
    found = messages.get(KEY)
    assert (found.status, found.last_error) == ("expired", ENDED_FIRST)
    reopen(messages, found, resends=1, reopened_in=2)
    assert messages.get(KEY).last_error is None


def test_a_message_that_is_created_as_expired_has_its_reason(services: Any) -> None:
    expired = Message(1, 1, "expired", NOW, last_error=ENDED_FIRST)
    services.messages.add([expired, Message(1, 2, "expired", NOW), MESSAGE], KEPT)
    assert services.messages.get(expired.key) == expired
    assert services.messages.get(MessageKey(1, 2, 1)).last_error is None


def test_messages_of_a_status_are_found_with_the_place_where_the_read_ended(services: Any) -> None:
    services.messages.add([replace(MESSAGE, client_id=number) for number in (1, 2, 3)], KEPT)
    services.messages.add([replace(MESSAGE, client_id=number, status="failed") for number in (4, 5)], KEPT)
    shard = MessageShard(1, 0, 1)
    found, last_id = services.messages.find(shard, 1, 5, ["failed", "unknown"])
    assert ([message.client_id for message in found], last_id) == ([4, 5], None)
    assert services.messages.find(shard, 4, 5, ["queued"]) == ([], None)
    found, last_id = services.messages.find(shard, 1, 4, ["failed"])
    assert ([message.client_id for message in found], last_id) == ([4], None)


def test_the_queued_messages_of_a_shard_are_read_from_the_highest_client_down(services: Any) -> None:
    services.messages.add([Message(1, client_id, "queued", NOW, shards=2) for client_id in range(1, 11)], KEPT)
    close(services.messages, MessageKey(1, 7, 2), "cancelled")

    def clients(below: int | None, limit: int) -> list[int]:
        return [message.client_id for message in services.messages.queued_below(MessageShard(1, 1, 2), below, limit)]

    assert clients(None, 10) == [9, 5, 3, 1]
    assert clients(9, 2) == [5, 3]
    assert clients(1, 10) == []


def test_a_reopening_is_reversed_unless_the_message_was_claimed_since(messages: Any) -> None:
    messages.settle(messages.claim(KEY, NOW, UNTIL), "failed", NOW, NO_ANSWER)
    failed = messages.get(KEY)
    reopened = reopening(failed, resends=1, reopened_in=2)
    assert messages.change_all([reopened]) == [True]
    assert messages.change_all([reopened.reversal]) == [True]
    assert messages.get(KEY) == failed
    assert messages.change_all([reopened]) == [True]
    claimed = messages.claim(KEY, NOW, UNTIL)
    assert messages.change_all([reopened.reversal]) == [False]
    assert messages.get(KEY) == claimed


def messages_with(services: Any, routes: Routes) -> Any:
    """The same rows, as a sender with these gateways sees them."""
    if isinstance(services.messages, FakeMessages):
        services.messages.routes = routes
        return services.messages
    return Messages(services.settings.stack_name, routes, services.clock)


SECOND = Claim(KEY, LATER + timedelta(seconds=9), "second")
BOTH = Routes(("contract", "second"), frozenset({"contract", "second"}))


def test_a_message_that_a_gateway_may_have_is_claimed_for_that_gateway(services: Any) -> None:
    services.messages.add([MESSAGE], KEPT)
    services.messages.claim(KEY, NOW, UNTIL)
    [claimed] = messages_with(services, BOTH).claim_all([SECOND], LATER)
    assert (claimed.gateway, claimed.attempts, claimed.doubts) == ("contract", 2, 2)


def test_a_message_that_no_gateway_has_is_claimed_for_another_one(services: Any) -> None:
    services.messages.add([MESSAGE], KEPT)
    services.messages.end_claim(services.messages.claim(KEY, NOW, UNTIL), NO_ANSWER, in_doubt=False)
    [claimed] = messages_with(services, BOTH).claim_all([SECOND], NOW)
    assert (claimed.gateway, claimed.attempts, claimed.doubts) == ("second", 2, 1)


@pytest.mark.parametrize("routes", [Routes(("second",), frozenset({"second"})), replace(BOTH, deduping=frozenset())])
def test_a_message_that_a_gateway_may_have_is_not_claimed_for_another_one(services: Any, routes: Routes) -> None:
    services.messages.add([MESSAGE], KEPT)
    services.messages.end_claim(services.messages.claim(KEY, NOW, UNTIL), NO_ANSWER, in_doubt=True)
    assert messages_with(services, routes).claim_all([SECOND], LATER) == [None]
    assert services.messages.get(KEY).attempts == 1


def test_two_senders_that_repeat_an_attempt_claim_it_once(services: Any) -> None:
    services.messages.add([MESSAGE], KEPT)
    services.messages.claim(KEY, NOW, UNTIL)
    again = Claim(KEY, LATER + timedelta(seconds=9), "contract")
    claimed = services.messages.claim_all([again, again], LATER)
    assert sorted(one is not None for one in claimed) == [False, True]
    assert services.messages.get(KEY).attempts == 2


def test_a_row_says_at_which_address_its_gateway_was_and_earlier_rows_do_not(services: Any) -> None:
    at_home = replace(BOTH, addresses={"contract": "1a2b3c4d"})
    services.messages.add([MESSAGE], KEPT)
    [claimed] = messages_with(services, at_home).claim_all([Claim(KEY, UNTIL, "contract")], NOW)
    assert (claimed.gateway, claimed.address) == ("contract", "1a2b3c4d")
    assert services.messages.get(KEY).address == "1a2b3c4d"
    services.messages.end_claim(claimed, NO_ANSWER, in_doubt=True)
    moved = replace(BOTH, addresses={"contract": "5e6f7a8b"})
    again = [Claim(KEY, LATER + timedelta(seconds=9), "contract")]
    assert messages_with(services, moved).claim_all(again, LATER) == [None]
    assert messages_with(services, at_home).claim_all(again, LATER) != [None]
