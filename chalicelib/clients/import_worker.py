"""Process the file of an import, chunk by chunk.

The worker decides about all rows of a chunk and saves the decision, with the ids of the new clients. Then it writes
the clients, and then it moves the cursor. An interrupted chunk is repeated from the cursor: the repetition finds
the written clients unchanged and keeps the counts of the saved decision. If too many rows are refused, the import stops
between two chunks. A dry run makes the same decisions, and writes no client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from ..domain.client import CLIENT_ID
from ..domain.client_import import (
    CHUNK,
    FAILED,
    FINISHED,
    RUNNING,
    STOP_LIST,
    UNDOING,
    ChunkPlan,
    ClientImport,
    Tally,
)
from ..domain.csv_file import FileRow
from ..domain.import_decision import Decision, decide
from ..domain.jobs import BUSY_SECONDS, ImportClients
from ..errors import BadInput, Conflict, FileGone, TryAgain
from ..logs import log, log_clients, log_context, measure
from ..texts import Text
from .import_lease import SECONDS_FOR_A_CHUNK, THREADS, leased
from .import_reading import rows_from_cursor
from .import_rows import check_rows, count_normalized, phones_of, refused_row, without_erased
from .import_undo import forget_absent, keep_traces, process_undo
from .import_writes import traces_of, write_clients
from .stop_import import process_stops

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..adapters.services import Services


def run_import(services: Services, job: ImportClients, seconds_left: Callable[[], float]) -> int | None:
    """Returns None if the job is done, otherwise the seconds until it is repeated.

    They are 0 if the time is up, and BUSY_SECONDS if another worker has the import or a write failed.
    """
    with log_context(import_id=job.import_id):
        try:
            return None if process_import(services, job.import_id, seconds_left) else 0
        except Conflict:
            return BUSY_SECONDS
        except TryAgain:
            log.exception("import not written")
            measure({"JobErrors": 1})
            return BUSY_SECONDS


def process_import(services: Services, import_id: int, seconds_left: Callable[[], float]) -> bool:
    """Returns False if the time is up and the job must be repeated. Raises ImportBusy if another worker has it."""
    found = services.imports.get(import_id)
    if found is not None and found.status == UNDOING:
        return process_undo(services, import_id, seconds_left)
    if found is None or found.status != RUNNING:
        return True
    with leased(services, import_id, seconds_left) as client_import:
        return _process_file(services, client_import, seconds_left)


def _process_file(services: Services, client_import: ClientImport, seconds_left: Callable[[], float]) -> bool:
    rows = rows_from_cursor(services, client_import)
    try:
        with services.thread_pool(THREADS) as threads:
            while chunk := list(islice(rows, client_import.plan.rows if client_import.plan else CHUNK)):
                if seconds_left() < SECONDS_FOR_A_CHUNK:
                    services.imports.end_lease(client_import)
                    return False
                if client_import.tally.has_too_many_refused:
                    break
                client_import = _process_chunk(services, threads, client_import, chunk)
        if chunk:
            _end(services, client_import, FAILED, _too_many_refused(client_import))
        else:
            _end(services, client_import, FINISHED)
    except FileGone:
        _end(services, client_import, FAILED, Text("file.gone"))
    except BadInput as error:  # of a workbook
        _end(services, client_import, FAILED, Text("import.stopped", row=client_import.row, reason=error.detail))
    return True


def _end(services: Services, client_import: ClientImport, status: str, detail: Text | None = None) -> None:
    services.imports.advance(client_import.ended(status, services.clock.now(), detail))
    log.info("import ended", extra={"status": status, "rows": client_import.tally.rows})


def _too_many_refused(client_import: ClientImport) -> Text:
    row, refused = client_import.row, client_import.tally.refused
    if client_import.is_dry_run:
        return Text("import.check_stopped", row=row, refused=refused)
    return Text("import.too_many_refused", row=row, refused=refused)


def _process_chunk(
    services: Services, threads: Executor, client_import: ClientImport, chunk: list[FileRow]
) -> ClientImport:
    if client_import.kind == STOP_LIST:
        return process_stops(services, threads, client_import, chunk)
    valid, refused = check_rows(client_import, chunk)
    phones = {row["phone_number"] for row in valid.values()}
    known, stops = services.clients.find_many(phones)
    erased = services.clients.erased_among(phones | phones_of(refused))  # last: a client may be erased in between
    rows, refused = without_erased(client_import, valid, refused, erased)
    decision = decide(rows, known, stops, client_import.given_attributes)
    refused_by_decision = [
        refused_row(client_import, number, chunk[number - client_import.row - 1], errors)
        for number, errors in decision.refused.items()
    ]
    services.imports.add_refused(client_import, [*refused, *refused_by_decision])
    normalized = count_normalized(client_import, chunk, rows.keys() - decision.refused)
    tally = decision.tally + Tally(refused=len(refused), normalized=normalized)
    plan = client_import.plan or ChunkPlan(tally, len(chunk))
    corrections = Tally()
    if not client_import.is_dry_run:
        is_repetition = client_import.plan is not None
        client_import, ids = _save_plan(services, client_import, plan, decision)
        if client_import.is_traced:
            keep_traces(services, client_import, traces_of(services, client_import, decision, ids), is_repetition)
        new, corrections = write_clients(services, threads, client_import, decision, ids)
        if client_import.is_traced and corrections != Tally():
            forget_absent(services, client_import)
        log_clients("added", [client.id for client in new])
        log_clients("changed", [before.id for before, _ in decision.changes])
    advanced = client_import.after_chunk(plan, corrections, chunk[-1].end, services.clock.now())
    services.imports.advance(advanced)
    return advanced


def _save_plan(
    services: Services, client_import: ClientImport, plan: ChunkPlan, decision: Decision
) -> tuple[ClientImport, list[int]]:
    """Save the plan of the chunk before its clients are written. Returns the import with the plan, and the free ids.

    The ids are for the new clients. A repeated chunk gets the ids of its saved plan again, without the used ones.
    """
    taken = services.clients.get_many(plan.ids) if plan.ids else {}
    free = [client_id for client_id in plan.ids if client_id not in taken]
    missing = len(decision.new) - len(free)
    if missing > 0:
        first = services.counters.lease_ids(CLIENT_ID, missing)
        plan = replace(plan, blocks=(*plan.blocks, (first, missing)))
        free += range(first, first + missing)
    planned = replace(client_import, plan=plan)
    if plan != client_import.plan and (decision.new or decision.changes):
        services.imports.advance(planned)
    return planned, free
