"""With REQUIRE_CONSENT, marketing reaches only clients with a consent, whenever it is withdrawn; the row says which."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.clients.registry import change_client, opt_out_client, register_client, withdraw_consent
from chalicelib.domain.admission import OPTED_OUT
from chalicelib.domain.consent import CONSENT_WITHDRAWN, NO_CONSENT
from chalicelib.domain.message import Message
from chalicelib.gateways.answer import Answer
from infra.local.doubles.crashing_services import CrashingServices
from infra.local.doubles.world import World

GIVEN, LATER = datetime(2026, 3, 1, 10, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)


def world_of(*consents: dict[str, Any], requires: bool = True) -> World:
    world = World(require_consent=requires)
    for number, consent in enumerate(consents):
        register_client(world.services, {"phone_number": f"7977000000{number}", **consent})
    return world


def rows(world: World, mailing_id: int) -> list[Message]:
    return [row for key, row in sorted(world.services.messages.rows.items()) if key[0] == mailing_id]


def posted(world: World) -> list[int]:
    return [post.message_id % 10 for post in world.services.gateway.posts]


CONSENTS: list[dict[str, Any]] = [
    {"consent_at": GIVEN},
    {},
    {"consent_at": GIVEN, "consent_withdrawn_at": LATER},
    {"consent_at": LATER, "consent_withdrawn_at": GIVEN},
]


def test_marketing_reaches_only_clients_with_a_consent_and_the_others_are_counted_as_cancelled() -> None:
    world = world_of(*CONSENTS)
    mailing_id = world.mailing(purpose="marketing")
    world.run(120)
    assert sorted(posted(world)) == [1, 4]
    assert [(row.status, row.last_error, row.consent_at) for row in rows(world, mailing_id)] == [
        ("sent", None, GIVEN),
        ("cancelled", NO_CONSENT, None),
        ("cancelled", CONSENT_WITHDRAWN, None),
        ("sent", None, LATER),
    ]
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts.sent, mailing.counts.cancelled) == ("finished", 2, 2)
    assert mailing.counts == world.counted_rows(mailing_id)


@pytest.mark.parametrize(("requires", "purpose"), [(False, "marketing"), (True, "service"), (False, "service")])
def test_without_the_setting_and_for_service_everybody_is_reached(requires: bool, purpose: str) -> None:
    world = world_of(*CONSENTS, requires=requires)
    mailing_id = world.mailing(purpose=purpose)
    world.run(120)
    assert sorted(posted(world)) == [1, 2, 3, 4]
    recorded = [GIVEN, None, None, LATER] if purpose == "marketing" else [None] * 4
    assert [row.consent_at for row in rows(world, mailing_id)] == recorded


def test_a_canary_finds_its_clients_in_few_rounds_if_most_have_no_consent() -> None:
    world = World(require_consent=True)
    for number in range(200):
        consent = {"consent_at": GIVEN} if number >= 195 else {}
        register_client(world.services, {"phone_number": f"7977000{number:04}", **consent})
    mailing_id = world.mailing(purpose="marketing", canary=2)
    world.run(3500)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts.sent, mailing.counts.cancelled) == ("finished", 5, 195)
    assert mailing.rounds <= 12


def test_a_withdrawal_during_a_batch_takes_effect_within_two_seconds() -> None:
    world = world_of(*[{"consent_at": GIVEN}] * 4)
    mailing_id = world.mailing(purpose="marketing")
    world.do_jobs()

    def slow() -> None:
        if len(world.services.gateway.posts) == 1:
            withdraw_consent(world.services, 2)
        world.clock.forward(1)

    world.services.gateway.while_posting = slow
    world.send_all()
    world.run(10)
    assert posted(world) == [1, 3, 4]
    assert [row.status for row in rows(world, mailing_id)] == ["sent", "cancelled", "sent", "sent"]


def test_a_message_goes_out_only_on_the_consent_that_its_row_names() -> None:
    world = world_of(*[{"consent_at": GIVEN}] * 2)
    mailing_id = world.mailing(purpose="marketing")
    world.do_jobs()

    def slow() -> None:
        if len(world.services.gateway.posts) == 1:
            change_client(world.services, 2, {"consent_at": LATER})
        world.clock.forward(1)

    world.services.gateway.while_posting = slow
    world.send_all()
    assert posted(world) == [1], "the claim has named the older consent"
    world.run(30)
    assert posted(world) == [1, 2]
    assert [row.consent_at for row in rows(world, mailing_id)] == [GIVEN, LATER]


def test_a_retry_after_a_withdrawal_is_not_posted_and_a_later_consent_is_for_the_next_mailing() -> None:
    world = world_of({"consent_at": GIVEN})
    mailing_id = world.mailing(purpose="marketing")
    world.services.gateway.answers = [Answer(500)]
    world.do_jobs()
    world.send_all()
    withdraw_consent(world.services, 1)
    world.run(300)
    [row] = rows(world, mailing_id)
    assert (row.status, row.last_error, len(posted(world))) == ("cancelled", CONSENT_WITHDRAWN, 1)
    world.clock.forward(1)
    change_client(world.services, 1, {"consent_at": world.clock.now()})
    following = world.mailing(purpose="marketing")
    world.run(60)
    assert [row.status for row in rows(world, mailing_id) + rows(world, following)] == ["cancelled", "sent"]


def test_the_last_attempt_says_that_there_was_no_consent_any_more() -> None:
    """Without the setting a message may go out after a withdrawal: its row must not name the consent."""
    world = world_of({"consent_at": GIVEN}, requires=False)
    mailing_id = world.mailing(purpose="marketing")
    world.services.gateway.answers = [Answer(500)]
    world.do_jobs()
    world.send_all()
    assert rows(world, mailing_id)[0].consent_at == GIVEN
    withdraw_consent(world.services, 1)
    world.run(300)
    [row] = rows(world, mailing_id)
    assert (row.status, row.consent_at) == ("sent", None)


def test_a_sender_that_dies_after_its_post_has_named_the_consent() -> None:
    found = []
    for at in range(1, 20):
        world = world_of({"consent_at": GIVEN})
        mailing_id = world.mailing(purpose="marketing")
        world.do_jobs()
        world.crashing[world.invocations] = CrashingServices(world.services, at, after=True)
        world.send(world.services.send_queue.receive(1))
        found += [(row.status, row.consent_at) for row in rows(world, mailing_id) if world.services.gateway.posts]
    assert set(found) == {("queued", GIVEN), ("sent", GIVEN)}


def test_an_opt_out_is_named_before_a_missing_consent() -> None:
    world = world_of({}, {})
    opt_out_client(world.services, 1)
    mailing_id = world.mailing(purpose="marketing")
    world.run(60)
    assert [row.last_error for row in rows(world, mailing_id)] == [OPTED_OUT, NO_CONSENT]
