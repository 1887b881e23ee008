"""A deploy changes the gateway during a mailing: no message goes to both."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.gateways.answer import Answer
from chalicelib.gateways.configured import Configured
from infra.local.doubles.world import World

CLIENTS = 20
SILENT = Answer(None, "ReadTimeout")
REFUSED = Answer(None, "NewConnectionError", never_sent=True)


def deploy(world: World, **settings: object) -> None:
    """The senders get other settings. The gateway answers as the contract says, whatever its name is."""
    world.services.settings = replace(world.services.settings, **settings)  # type: ignore[arg-type]
    world.services.messages.routes = world.services.settings.routes
    world.replace_sender()


def begun(answer: Answer, **settings: object) -> tuple[World, int]:
    world = World(**settings)
    world.clients(CLIENTS)
    world.services.gateway.default_answer = answer
    mailing_id = world.mailing(lasts=3600)
    world.run(30)
    assert world.services.gateway.posts
    world.services.gateway.posts.clear()
    world.services.gateway.default_answer = world.services.gateway.OK
    return world, mailing_id


SEVERAL = tuple(
    Configured(name, "contract", f"https://{name}.example.com", dedupes=True) for name in ("second", "third")
)
CHANGES: dict[str, dict[str, object]] = {
    "another provider": {"gateway": "infobip"},
    "another address": {"gateway_url": "https://other.example.com"},
    "the same, which does not deduplicate": {"gateway_dedupes": False},
    "several, without it": {"gateways": SEVERAL},
}


@pytest.mark.parametrize("settings", CHANGES.values(), ids=CHANGES)
def test_a_message_that_the_former_gateway_may_have_becomes_unknown(settings: dict[str, object]) -> None:
    world, mailing_id = begun(SILENT)
    tried = {row.id for row in world.services.messages.rows.values() if row.doubts}
    assert tried
    deploy(world, **settings)
    world.run(3600)
    counts = world.get(mailing_id).counts
    assert (counts.unknown, counts.sent) == (len(tried), CLIENTS - len(tried))
    assert not {post.message_id for post in world.services.gateway.posts} & tried


def test_a_message_that_the_former_gateway_does_not_have_is_sent_by_the_new_one() -> None:
    world, mailing_id = begun(REFUSED)
    deploy(world, gateway="infobip")
    world.run(3600)
    assert world.get(mailing_id).counts.sent == CLIENTS
    assert {row.gateway for row in world.services.messages.rows.values()} == {"infobip"}


def test_a_message_that_the_same_gateway_may_have_is_repeated_there() -> None:
    world, mailing_id = begun(SILENT)
    deploy(world, gateway_timeout=5.0)
    world.run(3600)
    assert world.get(mailing_id).counts.sent == CLIENTS


def test_a_row_that_does_not_name_the_address_is_one_of_the_gateway_of_its_name() -> None:
    world, mailing_id = begun(SILENT)
    rows = world.services.messages.rows
    rows |= {key: replace(row, address="") for key, row in rows.items()}
    deploy(world, gateway_url="https://other.example.com")
    world.run(3600)
    assert world.get(mailing_id).counts.sent == CLIENTS


def test_a_gateway_of_several_with_another_address_is_another_gateway() -> None:
    world, mailing_id = begun(SILENT, gateways=SEVERAL)
    tried = {row.id for row in world.services.messages.rows.values() if row.doubts}
    assert tried
    deploy(world, gateways=(replace(SEVERAL[0], url="https://other.example.com"), SEVERAL[1]))
    world.run(3600)
    counts = world.get(mailing_id).counts
    assert (counts.unknown, counts.sent) == (len(tried), CLIENTS - len(tried))
