"""Work off a file of clients, chunk by chunk.

Of a chunk it is decided first what becomes of each row; the decision is kept, with the ids that new clients get,
before the first one is written; then the cursor moves. Whatever is interrupted is done again from the cursor:
what was written is found as it should be, and the counts are those of the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..domain.client import CLIENT_ID, Client
from ..domain.client_import import (
    FAILED,
    FINISHED,
    RUNNING,
    ChunkPlan,
    ClientImport,
    Decision,
    RefusedRow,
    Tally,
    attribute_of,
    decide,
    is_attribute_column,
    tell_cells,
    with_given,
)
from ..domain.csv_file import FileRow, read_rows, unescape_formula
from ..domain.jobs import BUSY_SECONDS, ImportClients
from ..errors import BadInput, Conflict, FileGone, NotWritten, PhoneTaken, RowChanged
from ..fields import CLIENT
from ..logs import log, log_clients, log_context
from ..retries import retry_lost_races
from ..rules import read_fields
from ..texts import Text
from .imports import IGNORED
from .registry import announce_moves

if TYPE_CHECKING:
    from ..adapters.services import Services

CHUNK = 250
GROUP = 50
"""New clients in one transaction: each is two items, and DynamoDB takes a hundred."""

BLOCK = 256 * 1024
THREADS = 8
SECONDS_FOR_A_CHUNK = 20.0
LEASE_MARGIN = timedelta(seconds=5)

Row = dict[str, Any]


def do_import(services: Services, job: ImportClients, seconds_left: Callable[[], float]) -> int | None:
    """Seconds until the job is to come back, None when it is done."""
    with log_context(import_id=job.import_id):
        try:
            return None if work_off(services, job.import_id, seconds_left) else 0
        except Conflict:
            return BUSY_SECONDS
        except NotWritten:
            log.exception("import not written")
            return BUSY_SECONDS


def work_off(services: Services, import_id: int, seconds_left: Callable[[], float]) -> bool:
    """False when time ran out, and the rest is for the next turn. Raises ImportBusy while another worker has it."""
    found = services.imports.get(import_id)
    if found is None or found.status != RUNNING:
        return True
    now = services.clock.now()
    one = services.imports.lease(import_id, now, now + timedelta(seconds=seconds_left()) + LEASE_MARGIN)
    rows = read_rows(_blocks(services, one), one.form, one.offset)
    try:
        with ThreadPoolExecutor(THREADS) as threads:
            while chunk := list(islice(rows, one.plan.rows if one.plan else CHUNK)):
                if seconds_left() < SECONDS_FOR_A_CHUNK:
                    services.imports.end_lease(one)
                    return False
                one = _work_chunk(services, threads, one, chunk)
        _end(services, one, FINISHED)
    except FileGone:
        _end(services, one, FAILED, Text("file.gone"))
    except (Conflict, NotWritten):
        with suppress(Conflict):
            services.imports.end_lease(one)
        raise
    return True


def _end(services: Services, one: ClientImport, status: str, detail: Text | None = None) -> None:
    services.imports.advance(one.ended(status, services.clock.now(), detail))
    log.info("import ended", extra={"status": status, "rows": one.tally.rows})


def _blocks(services: Services, one: ClientImport) -> Iterator[bytes]:
    """The file from the cursor on. Raises FileGone also when it is another file under the same name."""
    at = one.offset
    while piece := services.import_files.read(one.key, at, BLOCK):
        if piece.version != one.version:
            raise FileGone(one.key)
        yield piece.content
        at += len(piece.content)


def _work_chunk(
    services: Services, threads: ThreadPoolExecutor, one: ClientImport, chunk: list[FileRow]
) -> ClientImport:
    rows, refused = _check(one, chunk)
    known, stops = services.clients.find_many({row["phone_number"] for row in rows.values()})
    decision = decide(rows, known, stops, one.given_attributes)
    too_much = [
        RefusedRow(number, tell_cells(one.form, chunk[number - one.row - 1].cells), {"attributes": [error]})
        for number, error in decision.refused.items()
    ]
    services.imports.add_refused(one, [*refused, *too_much])
    plan = one.plan or ChunkPlan(decision.tally + Tally(refused=len(refused)), len(chunk))
    one, ids = _keep_plan(services, one, plan, decision)
    assert one.plan is not None
    services.labels.add_from([*decision.new, *(after for _, after in decision.changes)])
    new = [replace(client, id=client_id) for client, client_id in zip(decision.new, ids, strict=False)]
    groups = [new[start : start + GROUP] for start in range(0, len(new), GROUP)]
    otherwise = sum(threads.map(partial(_add, services, one), groups), start=Tally())
    announce_moves(services, decision.changes)
    list(threads.map(partial(_change, services, one), decision.changes))
    moved = replace(
        one,
        tally=one.tally + one.plan.tally + otherwise,
        offset=chunk[-1].end,
        row=one.row + len(chunk),
        plan=None,
        moved_at=services.clock.now(),
    )
    services.imports.advance(moved)
    log_clients("added", [client.id for client in new])
    log_clients("changed", [before.id for before, _ in decision.changes])
    return moved


def _check(one: ClientImport, chunk: list[FileRow]) -> tuple[dict[int, Row], list[RefusedRow]]:
    """By number the fields of the rows that can be taken, and the others with their reasons; blank rows are neither."""
    rows, refused = {}, []
    for number, row in enumerate(chunk, one.row + 1):
        if row.is_blank:
            continue
        try:
            rows[number] = _read_row(one, row)
        except BadInput as wrong:
            refused.append(RefusedRow(number, tell_cells(one.form, row.cells), wrong.errors))
    return rows, refused


def _read_row(one: ClientImport, row: FileRow) -> Row:
    if row.error:
        raise BadInput({"non_field_errors": [row.error]})
    if len(row.cells) != len(one.form.columns):
        raise BadInput({"non_field_errors": [Text("row.cells", cells=len(row.cells), columns=len(one.form.columns))]})
    cells = {name: unescape_formula(cell) for name, cell in zip(one.form.columns, row.cells, strict=True)}
    own = {attribute_of(name): cells.pop(name) for name in one.form.columns if is_attribute_column(name)}
    sent = {**cells, "phone_number": cells["phone_number"].strip(), "attributes": own}
    return read_fields(sent, CLIENT, IGNORED, partial=False)


def _keep_plan(
    services: Services, one: ClientImport, plan: ChunkPlan, decision: Decision
) -> tuple[ClientImport, list[int]]:
    """With the chunk's plan, kept before anything is written, and the ids that are free for its new clients."""
    taken = services.clients.get_many(plan.ids) if plan.ids else {}
    free = [client_id for client_id in plan.ids if client_id not in taken]
    lacking = len(decision.new) - len(free)
    if lacking > 0:
        first = services.counters.lease_ids(CLIENT_ID, lacking)
        plan = replace(plan, blocks=(*plan.blocks, (first, lacking)))
        free += range(first, first + lacking)
    planned = replace(one, plan=plan)
    if plan != one.plan and (decision.new or decision.changes):
        services.imports.advance(planned)
    return planned, free


def _add(services: Services, one: ClientImport, clients: list[Client]) -> Tally:
    """All at once, or one by one where somebody has come between; answers with what became otherwise than planned."""
    try:
        services.clients.add_many(clients)
    except Conflict:
        return sum((_add_one(services, one, client) for client in clients), start=Tally())
    return Tally()


def _add_one(services: Services, one: ClientImport, client: Client) -> Tally:
    def add(client: Client) -> Tally:
        try:
            services.clients.add(client)
        except PhoneTaken:
            known = services.clients.find_by_phone(client.phone_number)
            if known is not None:
                return _meet(services, one, known, client)
            stop = services.clients.stop_of(client.phone_number)
            if stop is None:  # the number is free again
                raise RowChanged from None
            return add(replace(client, opted_out_at=stop))
        return Tally()

    return retry_lost_races(services.clock, lambda: add(client))


def _meet(services: Services, one: ClientImport, known: Client, wanted: Client) -> Tally:
    """Somebody registered the phone number after we had looked: it is a known client, to be changed or not."""
    assert one.plan is not None
    changed = _change(services, one, (known, replace(wanted, id=known.id)))
    if known.id in one.plan.ids:
        return Tally()
    return Tally(added=-1, changed=int(changed), unchanged=int(not changed))


def _change(services: Services, one: ClientImport, change: tuple[Client, Client]) -> bool:
    """Only what the file has a column for, whatever others change meanwhile; whether anything was different."""
    before, wanted = change
    given: dict[str, Any] = {name: getattr(wanted, name) for name in one.given_fields}
    own = with_given(before.attributes, one.given_attributes, wanted.attributes)
    after = replace(before, **given, attributes=own)
    if after == before:
        return False
    services.clients.change(before, after)  # RowChanged: somebody else did; then the chunk is decided anew
    return True
