"""After a crash at any call of an import the same clients are there, and the counts are exact."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.clients.import_undo import begin_undo
from chalicelib.clients.import_worker import run_import
from chalicelib.clients.imports import check_content, import_content
from chalicelib.clients.registry import OPTED_OUT, opt_out_client, register_client
from chalicelib.delivery.dead_letters import read_job
from chalicelib.delivery.sweep import sweep
from chalicelib.domain.audit_record import Author
from chalicelib.domain.client_import import STOP_LIST
from chalicelib.domain.jobs import ImportClients
from infra.local.doubles.crashing_services import Crash, CrashingServices
from infra.local.doubles.world import World
from tests.depth import crash_points, depth

KNOWN = 10
STOPPED = {3, 4, 150, 390, 505}


def stop_of(number: int) -> str:
    return "2026-01-02T03:04:05Z" if number in STOPPED else ""


FILE = "phone_number;tag;opted_out_at\n" + "".join(
    [f"79{number:09d};{'old' if number % 2 else 'new'};{stop_of(number)}\n" for number in range(KNOWN)]
    + [f"79{number:09d};new;{stop_of(number)}\n" for number in range(100, 400)]
    + ["7;bad;\n", "79000000101;twice;\n", "\n"]
    + [f"79{number:09d};new;{stop_of(number)}\n" for number in range(500, 515)]
)


def world_with_clients() -> World:
    world = World()
    for number in range(KNOWN):
        register_client(world.services, {"phone_number": f"79{number:09d}", "tag": "old"})  # type: ignore[arg-type]
    return world


def begin(services: Any, file: str = FILE) -> None:
    content = file.encode()
    author = Author("anna", services.clock.now(), 0.5)
    import_content(services, content, check_content(content, ""), "", author)


def work(world: World, seconds: float = 900) -> None:
    """Works as the Lambda, its event source and the sweep do."""
    queue = world.services.imports_queue
    for _ in range(int(seconds / 5)):
        for delivery in queue.receive(1):
            world.invoke(lambda services, delivery=delivery: _deliver(world, services, delivery))
        world.clock.forward(5)
        if world.clock.now().timestamp() % 60 < 5:
            sweep(world.services)  # type: ignore[arg-type]


def _deliver(world: World, services: Any, delivery: Any) -> None:
    job = read_job(services, delivery.body, ImportClients)
    delay = run_import(services, job, lambda: 120.0) if job else None
    if delay is None:
        world.services.imports_queue.delete([delivery.receipt_handle])
    else:
        world.services.imports_queue.give_back({delivery.receipt_handle: max(delay, 1)})


def assert_imported(world: World) -> None:
    one = world.services.imports.rows[1]
    assert one.status == "finished"
    clients = world.services.clients.rows
    found = {client.phone_number: client.tag for client in clients.values()}
    wanted = {f"79{number:09d}": "old" if number % 2 else "new" for number in range(KNOWN)}
    wanted |= {f"79{number:09d}": "new" for number in [*range(100, 400), *range(500, 515)]}
    assert found == {**wanted, "79000000101": "twice"}
    assert sorted(clients) == list(range(1, len(wanted) + 1)), "ids are consumed, also by a repeated chunk"
    tally = one.tally
    assert (tally.added, tally.changed, tally.unchanged, tally.refused) == (315, 7, 4, 1)
    assert list(world.services.imports.refused_rows[1]) == [312]
    assert_opted_out(world)


def assert_opted_out(world: World) -> None:
    clients = world.services.clients.rows.values()
    assert {int(one.phone_number) - 79 * 10**9 for one in clients if one.opted_out_at} == STOPPED
    assert world.services.imports.rows[1].tally.opted_out == len(STOPPED)
    stopped = {str(one.id) for one in clients if one.opted_out_at}
    records = [record.id for record in world.services.audit.records if record.action == OPTED_OUT]
    assert (set(records), len(records)) == (stopped, len(stopped)), "one record for each"


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_crash_of_the_worker_at_any_call_adds_every_client_once(after: bool) -> None:
    for at in crash_points():
        world = world_with_clients()
        begin(world.services)
        crashing = world.crashing[0] = CrashingServices(world.services, at, after)
        work(world)
        if crashing.is_dead and world.services.counters.last_id("client_id") > len(world.services.clients.rows):
            _assert_only_the_lost_lease_is_missing(world)
        else:
            assert_imported(world)
        if not crashing.is_dead:
            assert at > 20
            break


def _assert_only_the_lost_lease_is_missing(world: World) -> None:
    """The worker died between the lease of ids and the record of that lease. These ids are never used, as with reserved
    ids.
    """
    one = world.services.imports.rows[1]
    assert (one.status, one.tally.added, len(world.services.clients.rows)) == ("finished", 315, 325)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("second", [3, 5, 7])
def test_two_crashes_in_a_row_change_nothing(second: int, after: bool) -> None:
    for at in range(1, 30, depth(full=1, quick=4)):
        world = world_with_clients()
        begin(world.services)
        world.crashing = {
            0: CrashingServices(world.services, at, after),
            1: CrashingServices(world.services, second, not after),
        }
        work(world, 1800)
        one = world.services.imports.rows[1]
        assert (one.status, one.tally.added, one.tally.rows) == ("finished", 315, 327)
        assert_opted_out(world)
        assert len(world.services.clients.rows) == 325


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("at", range(1, 6))
def test_an_import_whose_creation_crashes_is_complete_or_absent(at: int, after: bool) -> None:
    world = world_with_clients()
    with suppress(Crash):
        begin(CrashingServices(world.services, at, after))
    work(world)
    if world.services.imports.rows:
        assert_imported(world)
    else:
        assert len(world.services.clients.rows) == KNOWN


def test_a_job_delivered_many_times_adds_every_client_once() -> None:
    world = world_with_clients()
    begin(world.services)
    for _ in range(5):
        world.services.imports_queue.send([ImportClients(1)])
    work(world)
    assert_imported(world)
    assert world.services.imports_queue.is_idle()


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_an_import_that_stops_for_its_refused_rows_is_whole_up_to_its_last_chunk(after: bool) -> None:
    file = "phone_number;tag\n79000000001;a\n" + "7;bad\n" * 1400 + "79000000002;a\n"
    for at in crash_points():
        world = World()
        begin(world.services, file)
        crashing = world.crashing[0] = CrashingServices(world.services, at, after)
        work(world)
        one = world.services.imports.rows[1]
        assert (one.status, one.row, one.tally.added, one.tally.refused) == ("failed", 1251, 1, 1249)
        assert (len(world.services.clients.rows), len(world.services.imports.refused_rows[1])) == (1, 1249)
        if not crashing.is_dead:
            assert at > 15
            break


STOPS = "phone_number;reason\n" + "".join(f"79{number:09d};{number % 3}\n" for number in range(300)) + "7;x\n"
"""The first numbers have clients, and one of them has opted out before."""


def assert_stopped(world: World) -> None:
    one = world.services.imports.rows[1]
    assert one.status == "finished"
    assert (one.tally.added, one.tally.unchanged, one.tally.refused) == (299, 1, 1)
    stops = world.services.stop_list.read(None, 1000)
    assert {stop.phone_number: stop.reason for stop in stops if stop.source == "import"} == {
        f"79{number:09d}": str(number % 3) for number in range(300) if number != 5
    }
    assert len(stops) == 300
    clients = world.services.clients.rows.values()
    assert sum(client.opted_out_at is not None for client in clients) == KNOWN
    records = [record.id for record in world.services.audit.records if record.action == OPTED_OUT]
    assert len(records) == len(set(records)) == 300, "one record for each, with the one before"


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_crash_of_the_worker_at_any_call_stops_every_number_once(after: bool) -> None:
    for at in crash_points():
        world = world_with_clients()
        opt_out_client(world.services, 6, Author("anna", world.clock.now(), 0.5))  # type: ignore[arg-type]
        content = STOPS.encode()
        form = check_content(content, "", kind=STOP_LIST)
        author = Author("anna", world.clock.now(), 0.5)
        import_content(world.services, content, form, "", author, kind=STOP_LIST)  # type: ignore[arg-type]
        crashing = world.crashing[0] = CrashingServices(world.services, at, after)
        work(world)
        assert_stopped(world)
        if not crashing.is_dead:
            assert at > 20
            break


def undo(world: World, services: Any) -> None:
    begin_undo(services, 1, Author("anna", world.clock.now(), 0.5))


def assert_undone(world: World, before: dict[int, Any]) -> None:
    """All is as before the import, but for the opt-outs of the file."""
    services = world.services
    assert services.imports.rows[1].status == "undone"
    clients = services.clients.rows
    assert {client.id: replace(client, opted_out_at=None) for client in clients.values()} == before
    stopped = {client.phone_number for client in clients.values() if client.opted_out_at} | set(services.clients.stops)
    assert {int(phone) - 79 * 10**9 for phone in stopped} == STOPPED


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_an_undo_that_crashes_at_any_call_takes_back_everything(after: bool) -> None:
    imported = world_with_clients()
    before = dict(imported.services.clients.rows)
    begin(imported.services)
    work(imported)
    for at in crash_points():
        world = deepcopy(imported)  # in a quarter of the time of an import
        undo(world, world.services)
        crashing = world.crashing[world.invocations] = CrashingServices(world.services, at, after)
        work(world)
        assert_undone(world, before)
        undone = world.services.imports.rows[1].undo
        assert undone is not None
        assert (undone.removed, undone.restored, undone.kept) == (315, 7, 0)
        if not crashing.is_dead:
            assert at > 10
            break


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("at", range(1, 5))
def test_an_undo_whose_request_crashes_is_complete_or_absent(at: int, after: bool) -> None:
    world = world_with_clients()
    before = dict(world.services.clients.rows)
    begin(world.services)
    work(world)
    imported = dict(world.services.clients.rows)
    with suppress(Crash):
        undo(world, CrashingServices(world.services, at, after))
    work(world)
    if world.services.imports.rows[1].undo:
        assert_undone(world, before)
    else:
        assert world.services.clients.rows == imported


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_an_import_that_crashed_at_any_call_can_be_undone(after: bool) -> None:
    for at in crash_points():
        world = world_with_clients()
        before = dict(world.services.clients.rows)
        begin(world.services)
        crashing = world.crashing[0] = CrashingServices(world.services, at, after)
        work(world)
        undo(world, world.services)
        work(world)
        assert_undone(world, before)
        if not crashing.is_dead:
            assert at > 20
            break
