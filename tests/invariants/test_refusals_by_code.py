"""200 with a code other than 0: tried again, or a final refusal with `GATEWAY_REFUSES_BY_CODE`."""

from __future__ import annotations

import pytest

from chalicelib.domain.counts import Counts
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import resend_mailing
from infra.local.doubles.world import World

CODE_7 = Answer(200, '{"code": 7, "message": "79770000001 is no number"}')


def announced(refuses_by_code: bool, clients: int = 20, canary: int | None = None) -> tuple[World, int]:
    world = World(gateway_refuses_by_code=refuses_by_code)
    world.clients(clients)
    world.services.gateway.default_answer = CODE_7
    return world, world.mailing(lasts=3600, canary=canary)


def last_errors(world: World) -> set[str]:
    return {str(row.last_error) for row in world.services.messages.rows.values()}


def test_by_default_a_message_is_tried_again_and_its_last_error_names_the_code() -> None:
    world, mailing_id = announced(refuses_by_code=False, clients=1)
    world.run(300)
    assert len(world.services.gateway.posts) > 1
    assert world.get(mailing_id).counts == Counts(total=1)
    assert last_errors(world) == {"The gateway answered 200 with code 7."}


def test_with_the_setting_a_message_fails_after_one_post_and_its_last_error_names_the_code() -> None:
    world, mailing_id = announced(refuses_by_code=True)
    world.run(120)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts) == ("finished", Counts(total=20, failed=20))
    assert len(world.services.gateway.posts) == 20
    assert last_errors(world) == {"The gateway refused the message (200, code 7)."}


def test_a_resend_of_failed_messages_includes_those_that_a_code_refused() -> None:
    world, mailing_id = announced(refuses_by_code=True)
    world.run(120)
    world.services.gateway.default_answer = world.services.gateway.OK
    resend_mailing(world.services, mailing_id, ["failed"])
    world.run(120)
    assert world.get(mailing_id).counts == Counts(total=20, sent=20)


def test_a_canary_counts_messages_that_a_code_refused() -> None:
    world, mailing_id = announced(refuses_by_code=True, canary=5)
    world.run(120)
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts.failed, len(world.services.gateway.posts)) == ("paused", 5, 5)


@pytest.mark.parametrize("body", ["<html>busy</html>", "", '{"code": "0"}', '{"code": null}'])
def test_an_unreadable_answer_stays_in_doubt_with_the_setting(body: str) -> None:
    world = World(gateway_refuses_by_code=True, gateway_dedupes=False)
    world.clients(1)
    world.services.gateway.default_answer = Answer(200, body)
    mailing_id = world.mailing(lasts=3600)
    world.run(120)
    assert world.get(mailing_id).counts == Counts(total=1, unknown=1)
