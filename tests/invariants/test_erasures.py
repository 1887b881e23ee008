"""An erased person leaves no trace, and nobody else is affected, after a crash at any call."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.clients.erasure import erase_client
from chalicelib.clients.import_worker import process_import
from chalicelib.clients.imports import check_content, import_content
from chalicelib.clients.registry import opt_out_client
from chalicelib.domain.audit_record import Author
from chalicelib.errors import NotFound
from chalicelib.texts import Text
from infra.local.doubles.crashing_services import Crash, CrashingServices
from infra.local.doubles.world import World
from tests.depth import crash_points

CLIENTS = 9
ERASED = 4
MINUTES = 60
FILE = "phone_number;tag\ntel. +7 (903) 000-00-03;vip\n7;other\n"
"""Two refused rows. The first has the number of client 4, as a person writes it."""


def author(world: World) -> Author:
    return Author("anna", world.clock.now(), world.clock.jitter())


def world_with_traces() -> World:
    """A finished mailing in which the message failed, a running one, and a refused row of an import."""
    world = World()
    world.clients(CLIENTS)
    first = world.mailing()
    world.run(5 * MINUTES)
    key = (first, ERASED)
    reason = Text("message.not_delivered", reason="Anna does not live here")
    world.services.messages.rows[key] = replace(
        world.services.messages.rows[key], status="undelivered", last_error=reason
    )
    content = FILE.encode()
    services: Any = world.services
    process_import(
        services, import_content(services, content, check_content(content, ""), "", author(world)).id, _minute
    )
    return world


def _minute() -> float:
    return 60.0


def assert_erased(world: World, phone: str) -> None:
    services = world.services
    assert services.erasures.rows == {}
    assert ERASED not in services.clients.rows
    of_person = {key: row for key, row in services.messages.rows.items() if key[1] == ERASED}
    assert of_person
    assert all(row.last_error in (None, Text("client.gone")) for row in of_person.values())
    tables = (services.clients.rows, services.clients.phones, services.clients.stops, services.imports.refused_rows)
    shown = repr((*tables, services.audit.records, services.messages.rows, services.erasures.rows))
    assert phone not in shown
    assert "(903) 000-00-03" not in shown
    assert "Anna" not in shown
    assert [row.cells["tag"] for row in services.imports.refused_rows[1].values()] == ["***", "other"]


@pytest.mark.parametrize("opted_out", [False, True])
@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_crash_at_any_call_of_the_erasure_is_made_good_by_a_repetition(after: bool, opted_out: bool) -> None:
    for at in crash_points():
        world = world_with_traces()
        phone = world.services.clients.rows[ERASED].phone_number
        if opted_out:
            opt_out_client(world.services, ERASED, author(world))  # type: ignore[arg-type]
        crashing: Any = CrashingServices(world.services, at, after)
        with suppress(Crash):
            erase_client(crashing, ERASED, author(world))
        with suppress(NotFound):
            erase_client(world.services, ERASED, author(world))  # type: ignore[arg-type]
        world.run(30 * MINUTES, step=15)
        assert_erased(world, phone)
        assert bool(world.services.clients.erased) is opted_out
        if not crashing.is_dead:
            break


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_crash_at_any_call_of_the_job_is_made_good_by_its_next_run(after: bool) -> None:
    for at in crash_points():
        world = world_with_traces()
        phone = world.services.clients.rows[ERASED].phone_number
        erase_client(world.services, ERASED, author(world))  # type: ignore[arg-type]
        world.clock.forward(3 * MINUTES)
        crashing = world.crashing[world.invocations] = CrashingServices(world.services, at, after)
        world.run(30 * MINUTES, step=15)
        assert_erased(world, phone)
        if not crashing.is_dead:
            break


def test_the_sweep_queues_the_job_again_that_was_lost() -> None:
    world = world_with_traces()
    phone = world.services.clients.rows[ERASED].phone_number
    erase_client(world.services, ERASED, author(world))  # type: ignore[arg-type]
    for name in list(world.services.jobs_queue.messages):
        world.services.jobs_queue.lose(name)
    world.run(30 * MINUTES, step=15)
    assert_erased(world, phone)


@pytest.mark.parametrize("opted_out", [False, True])
def test_a_mailing_under_way_reaches_all_others_and_never_the_erased_person(opted_out: bool) -> None:
    world = world_with_traces()
    phone = world.services.clients.rows[ERASED].phone_number
    if opted_out:
        opt_out_client(world.services, ERASED, author(world))  # type: ignore[arg-type]
    mailing_id = world.mailing()
    world.fan_out()
    before = len(world.services.gateway.posts)
    erase_client(world.services, ERASED, author(world))  # type: ignore[arg-type]
    world.run(30 * MINUTES, step=15)
    posted = {post.phone_number for post in world.services.gateway.posts[before:]}
    others = {client.phone_number for client in world.services.clients.rows.values()}
    assert posted == others
    mailing = world.get(mailing_id)
    assert (mailing.status, mailing.counts.sent, mailing.counts.cancelled) == ("finished", CLIENTS - 1, 1)
    assert mailing.counts == world.counted_rows(mailing_id)
    assert_erased(world, phone)
