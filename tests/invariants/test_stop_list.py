"""Opted-out clients get no message: not after the batch was read, not by a resend, not by another mailing."""

from __future__ import annotations

from chalicelib.clients.registry import delete_client, opt_in_client, opt_out_client
from chalicelib.domain.admission import CLIENT_GONE, OPTED_OUT
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import pause_mailing, resend_mailing, resume_mailing
from infra.local.doubles.world import World


def running(clients: int) -> tuple[World, int]:
    world = World()
    world.clients(clients)
    mailing_id = world.mailing()
    world.do_jobs()
    return world, mailing_id


def ends(world: World, mailing_id: int) -> dict[int, tuple[str, str | None]]:
    rows = world.services.messages.rows
    return {key[1]: (row.status, row.last_error) for key, row in rows.items() if key[0] == mailing_id}


def test_messages_of_clients_that_opt_out_before_or_during_a_mailing_are_cancelled_and_counted() -> None:
    world = World()
    world.clients(5)
    opt_out_client(world.services, 1)
    mailing_id = world.mailing()
    world.do_jobs()
    opt_out_client(world.services, 2)
    delete_client(world.services, 3)
    world.run(120)
    found = ends(world, mailing_id)
    assert [found[number] for number in (1, 2, 3)] == [*[("cancelled", OPTED_OUT)] * 2, ("cancelled", CLIENT_GONE)]
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts.sent, mailing.counts.cancelled) == ("finished", 2, 3)
    assert mailing.counts == world.counted_rows(mailing_id)


def test_an_opt_out_during_a_batch_takes_effect_within_a_second() -> None:
    world, mailing_id = running(4)

    def slow() -> None:
        if len(world.services.gateway.posts) == 1:
            opt_out_client(world.services, 2)
            delete_client(world.services, 3)
        world.clock.forward(1)

    world.services.gateway.while_posting = slow
    world.send_all()
    world.run(10)
    assert [post.message_id % 10 for post in world.services.gateway.posts] == [1, 4]
    assert [status for status, _ in ends(world, mailing_id).values()] == ["sent", "cancelled", "cancelled", "sent"]


def test_a_fast_batch_reads_its_clients_once_and_a_slow_one_once_a_second() -> None:
    for seconds, reads in ((0.0, 1), (0.25, 3)):
        world, _ = running(10)
        read, asked = world.services.clients.get_many, []
        world.services.clients.get_many = lambda ids, read=read, asked=asked: asked.append(ids) or read(ids)  # type: ignore
        world.services.gateway.while_posting = lambda world=world, seconds=seconds: world.clock.forward(seconds)
        world.send_all()
        assert len(asked) == reads
        assert len(world.services.gateway.posts) == 10


def test_a_slow_batch_does_not_read_clients_of_finished_messages_again() -> None:
    world, _ = running(3)
    world.mailing()
    world.do_jobs()
    read, asked = world.services.clients.get_many, []
    world.services.clients.get_many = lambda ids: asked.append(sorted(ids)) or read(ids)
    world.services.gateway.while_posting = lambda: world.clock.forward(1)
    world.send_all()
    assert len(world.services.gateway.posts) == 6, "two posts to each client"
    assert asked[0] == [1, 2, 3]
    assert {tuple(ids) for ids in asked} == {(1, 2, 3), (2, 3), (3,)}


def test_no_resend_resume_or_later_opt_in_reaches_clients_that_opted_out_meanwhile() -> None:
    world, mailing_id = running(3)
    world.services.gateway.default_answer = Answer(400)
    world.run(60)
    opt_out_client(world.services, 1)
    world.services.gateway.default_answer = world.services.gateway.OK
    resend_mailing(world.services, mailing_id, ["failed"])
    pause_mailing(world.services, mailing_id)
    resume_mailing(world.services, mailing_id)
    world.run(300)
    opt_in_client(world.services, 1)
    resend_mailing(world.services, mailing_id, ["failed", "expired", "unknown"])
    world.run(300)
    assert ends(world, mailing_id)[1] == ("cancelled", OPTED_OUT)
    assert set(world.services.gateway.accepted) - {10_000_000_001} == {10_000_000_002, 10_000_000_003}
    assert world.services.gateway.accepted[10_000_000_001] == 0
    assert world.get(mailing_id).counts == world.counted_rows(mailing_id)


def test_a_client_that_opted_in_again_gets_the_next_mailing() -> None:
    world, mailing_id = running(1)
    opt_out_client(world.services, 1)
    world.run(60)
    opt_in_client(world.services, 1)
    following = world.mailing()
    world.run(60)
    assert ends(world, mailing_id)[1][0] == "cancelled"
    assert ends(world, following)[1][0] == "sent"
