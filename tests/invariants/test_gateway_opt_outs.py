"""A recipient that refuses messages, as the gateway says: its message fails, and the client goes onto the stop list."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.access.audit import GATEWAY_AUTHOR
from chalicelib.clients.registry import OPTED_OUT, change_client, delete_client, opt_in_client, opt_out_client
from chalicelib.domain.audit_record import Author
from chalicelib.domain.counts import Counts
from chalicelib.domain.outcome import Kind
from chalicelib.errors import NotWritten
from chalicelib.mailings.lifecycle import resend_mailing
from chalicelib.mailings.test_message import send_test_message
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.fake_clients import FakeClients
from infra.local.doubles.fake_gateway import FakeGateway, answer_of
from infra.local.doubles.world import World
from tests.depth import crash_points

REFUSES = answer_of(Kind.OPTED_OUT)
DAY = 24 * 3600


def refusing(clients: int, **settings: Any) -> tuple[World, int]:
    """The first client refuses messages."""
    world = World(**settings)
    world.clients(clients)
    mailing_id = world.mailing(lasts=DAY)
    gateway = world.services.gateway
    gateway.next_answer = lambda message_id: REFUSES if message_id % 10**10 == 1 else FakeGateway.OK  # type: ignore[method-assign]
    return world, mailing_id


def posts_to_the_first(world: World) -> int:
    return sum(post.message_id % 10**10 == 1 for post in world.services.gateway.posts)


def test_the_message_fails_with_the_reason_and_the_client_is_opted_out_for_all_mailings() -> None:
    world, mailing_id = refusing(3)
    world.run(600)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", Counts(total=3, sent=2, failed=1))
    assert world.services.messages.rows[mailing_id, 1].last_error is not None
    assert world.services.clients.rows[1].opted_out_at is not None
    assert world.services.clients.stop_of(world.services.clients.rows[1].phone_number) is not None
    (record,) = world.services.audit.records
    assert (record.who, record.action, record.what, record.id) == (GATEWAY_AUTHOR, OPTED_OUT, "client", "1")
    second = world.mailing()
    resend_mailing(world.services, mailing_id, ["failed"])
    world.run(600)
    assert posts_to_the_first(world) == 1
    assert world.get(second).counts == Counts(total=3, sent=2, cancelled=1)
    assert world.get(mailing_id).counts == Counts(total=3, sent=2, cancelled=1)
    assert len(world.services.audit.records) == 1


def test_a_client_that_opts_in_again_is_posted_to_again() -> None:
    world, mailing_id = refusing(1)
    world.run(600)
    opt_in_client(world.services, 1)
    resend_mailing(world.services, mailing_id, ["failed"])
    world.run(600)
    assert posts_to_the_first(world) == 2
    assert world.services.clients.rows[1].opted_out_at is not None


def test_an_opt_out_that_a_person_makes_during_the_post_is_not_recorded_twice() -> None:
    world, mailing_id = refusing(1)
    anna = Author("anna", world.clock.now(), 0.5)
    world.services.gateway.while_posting = lambda: opt_out_client(world.services, 1, anna)
    world.run(600)
    assert world.get(mailing_id).counts == Counts(total=1, failed=1)
    assert [record.who for record in world.services.audit.records] == ["anna"]


def test_a_client_whose_number_changes_during_the_post_is_not_opted_out() -> None:
    world, mailing_id = refusing(1)
    world.services.gateway.while_posting = lambda: change_client(world.services, 1, {"phone_number": "79990000000"})
    world.run(600)
    assert world.get(mailing_id).counts == Counts(total=1, failed=1)
    assert world.services.clients.rows[1].opted_out_at is None
    assert world.services.audit.records == []


def test_a_client_that_is_deleted_during_the_post_is_no_error() -> None:
    world, mailing_id = refusing(1)
    world.services.gateway.while_posting = lambda: delete_client(world.services, 1)
    world.run(600)
    assert world.get(mailing_id).counts == Counts(total=1, failed=1)
    assert posts_to_the_first(world) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_sender_that_dies_at_any_call_leaves_the_client_opted_out_and_the_counts_right(after: bool) -> None:
    """Between the opt-out and the record of the message: the message is cancelled then, because of the opt-out."""
    ends = set()
    for at in crash_points():
        world, mailing_id = refusing(3)
        crashing = world.crashing[2] = CrashingServices(world.services, at, after)
        world.run(1200)
        mailing = world.get(mailing_id)
        assert (mailing.status, mailing.counts.sent) == ("finished", 2)
        assert mailing.counts == world.counted_rows(mailing_id)
        ends.add(world.services.messages.rows[mailing_id, 1].status)
        assert world.services.clients.rows[1].opted_out_at is not None
        assert len(world.services.audit.records) == 1
        assert posts_to_the_first(world) <= 2
        if not crashing.is_dead:
            break
    assert ends <= {"failed", "cancelled"}


class ThrottledClients(FakeClients):
    """The table takes no change."""

    def change(self, *_: Any) -> None:
        raise NotWritten("clients: throttled")


def test_a_message_whose_opt_out_is_not_written_waits_until_it_can_be() -> None:
    world, mailing_id = refusing(3)
    world.do_jobs()
    whole = world.services.clients
    world.services.clients = ThrottledClients(whole.audit)
    world.services.clients.rows = whole.rows
    world.services.clients.__dict__.update(whole.__dict__)
    world.run(60)
    mailing = world.get(mailing_id)
    assert (mailing.counts.sent, mailing.counts.failed, mailing.counts.queued) == (2, 0, 1)
    assert 2 <= posts_to_the_first(world) <= 10
    world.services.clients = whole
    world.run(600)
    assert world.get(mailing_id).counts == Counts(total=3, sent=2, failed=1)
    assert whole.rows[1].opted_out_at is not None


def test_a_recipient_that_refuses_is_no_doubt_at_a_gateway_that_does_not_look_at_ids() -> None:
    world, mailing_id = refusing(3, gateway_dedupes=False)
    world.run(600)
    assert world.get(mailing_id).counts == Counts(total=3, sent=2, failed=1)
    assert world.services.clients.rows[1].opted_out_at is not None


def test_a_test_message_opts_nobody_out() -> None:
    world, _ = refusing(1)
    author = Author("anna", world.clock.now(), 0.5)
    world.services.gateway.next_answer = lambda _: REFUSES  # type: ignore[method-assign]
    phone_number = world.services.clients.rows[1].phone_number
    assert send_test_message(world.services, phone_number, "hello", author).kind is Kind.OPTED_OUT
    assert world.services.clients.rows[1].opted_out_at is None
