"""Each client gets the text with the values of its own attributes, filled in right before the post."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.clients.registry import change_client
from chalicelib.domain.template import NO_TEXT
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import change_mailing, resend_mailing
from infra.local.doubles.world import World


def world_with_names() -> World:
    world = World()
    world.clients(1, attributes={"имя": "Анна"})
    world.clients(1, attributes={"имя": "Олег"}, tag="vip")
    world.clients(1)
    return world


def texts(world: World) -> list[str]:
    return [post.text for post in world.services.gateway.posts]


def test_each_client_gets_its_own_text() -> None:
    world = world_with_names()
    world.mailing(message_text="{имя|Друг}, {tag|для всех} {{имя}} {")
    world.run(60)
    assert texts(world) == ["Анна, для всех {имя} {", "Олег, vip {имя} {", "Друг, для всех {имя} {"]


def test_the_next_attempt_uses_a_changed_text_and_a_changed_client() -> None:
    world = world_with_names()
    world.services.gateway.answers = [Answer(503)] * 3
    mailing_id = world.mailing(message_text="a {имя|-}")
    world.do_jobs()
    world.send_all()
    change_client(world.services, 1, {"attributes": {"имя": "Яна"}})
    change_mailing(world.services, mailing_id, {"message_text": "b {имя|-}"})
    world.run(120)
    assert texts(world)[:3] == ["a Анна", "a Олег", "a -"]
    assert sorted(texts(world)[3:]) == ["b -", "b Олег", "b Яна"]


def test_a_text_that_is_empty_for_a_client_is_not_posted_and_can_be_corrected() -> None:
    world = world_with_names()
    mailing_id = world.mailing(message_text=" {имя} ")
    world.run(60)
    assert len(texts(world)) == 2
    row = world.services.messages.rows[mailing_id, 3]
    assert (row.status, row.last_error, row.attempts) == ("failed", NO_TEXT, 0)
    assert world.get(mailing_id).counts == world.counted_rows(mailing_id)
    change_client(world.services, 3, {"attributes": {"имя": "Ян"}})
    resend_mailing(world.services, mailing_id, ["failed"])
    world.run(300)
    assert texts(world)[2:] == [" Ян "]
    assert world.get(mailing_id).counts.sent == 3


def test_a_text_that_shows_nothing_for_a_client_is_not_posted() -> None:
    world = World()
    world.clients(1)
    mailing_id = world.mailing(message_text="{tag|\u200b}")
    world.run(60)
    assert texts(world) == []
    assert world.services.messages.rows[mailing_id, 1].last_error == NO_TEXT


def test_a_text_that_is_too_long_for_a_client_is_not_posted() -> None:
    world = World()
    world.clients(1, attributes={"имя": "Анна"})
    world.clients(1, attributes={"имя": "я" * 255})
    mailing_id = world.mailing(message_text="{имя} " * 10)
    world.run(60)
    assert len(texts(world)) == 1
    row = world.services.messages.rows[mailing_id, 2]
    assert (row.status, row.attempts) == ("failed", 0)
    assert "1600" in str(row.last_error)
    assert world.get(mailing_id).counts == world.counted_rows(mailing_id)


def test_a_mailing_from_before_placeholders_is_sent_unchanged() -> None:
    world = world_with_names()
    mailing_id = world.mailing()
    rows = world.services.mailings.rows
    rows[mailing_id] = replace(rows[mailing_id], message_text="{имя} {промо} {{x}}")
    world.run(60)
    assert set(texts(world)) == {"{имя} {промо} {{x}}"}
