"""The name or number that recipients see: that of the mailing, else that of the setting."""

from __future__ import annotations

import pytest

from chalicelib.errors import BadInput
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import change_mailing
from infra.local.doubles.world import World

QUEUED = Answer(201, '{"sid": "SM00000000000000000000000000000001", "status": "queued"}')


def twilio_world() -> World:
    world = World(gateway="twilio", gateway_dedupes=False, gateway_sender="SHOP")
    world.services.gateway.default_answer = QUEUED
    world.clients(1)
    return world


def test_a_message_has_the_sender_of_its_mailing_and_else_that_of_the_setting() -> None:
    world = twilio_world()
    world.mailing(lasts=3600, sender="CAFE")
    world.mailing(lasts=3600)
    world.run(60)
    assert [post.sms.sender for post in world.services.gateway.posts] == ["CAFE", "SHOP"]


def test_a_changed_sender_applies_to_the_messages_that_are_not_posted_yet() -> None:
    world = twilio_world()
    mailing_id = world.mailing(starts_in=60, lasts=3600, sender="CAFE")
    change_mailing(world.services, mailing_id, {"sender": ""})
    world.run(180)
    assert [post.sms.sender for post in world.services.gateway.posts] == ["SHOP"]


def test_a_message_may_be_delivered_until_its_mailing_ends() -> None:
    world = twilio_world()
    mailing_id = world.mailing(lasts=3600)
    world.run(60)
    [post] = world.services.gateway.posts
    assert post.sms.lifetime == (world.get(mailing_id).datetime_end - post.at).total_seconds()


def test_a_sender_is_refused_if_the_gateway_would_ignore_it() -> None:
    world = World()
    with pytest.raises(BadInput) as refused:
        world.mailing(lasts=3600, sender="SHOP")
    assert list(refused.value.errors) == ["sender"]
    mailing_id = world.mailing(lasts=3600)
    with pytest.raises(BadInput):
        change_mailing(world.services, mailing_id, {"sender": "SHOP"})
