"""Undo an import within 24 hours: keep what each chunk did before its clients are written, and take it back on request.

The traces of a chunk are one object of the bucket, which the bucket's lifecycle deletes after two days. The undo goes
from the last chunk to the first, because a later chunk may have changed a client again. Each step is decided from the
client as it is now, so a chunk that is repeated after a crash changes nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from ..access.audit import SERVICE_AUTHOR, author_of
from ..domain.audit_record import Author
from ..domain.client_import import CHUNK, UNDOING, UNDONE, ClientImport, KeptClient, Undo
from ..domain.consent import replaces_consent
from ..domain.import_undo import Trace, UndoStep, merge_traces, read_traces, undo_step, write_traces
from ..errors import FileGone, NotInThisStatus
from ..logs import log, log_clients
from ..representation import represent_client
from ..retries import retry_lost_races
from ..texts import Text
from .import_lease import SECONDS_FOR_A_CHUNK, THREADS, leased
from .imports import get_import, queue_import
from .registry import queue_moved_clients

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..adapters.services import Services

UNDONE_ACTION = "undone"
MAX_TRACES = 4 * 1024**2
"""Bytes of one object. 250 clients with the longest values have less."""

_keeping = Lock()


def begin_undo(services: Services, import_id: int, author: Author) -> ClientImport:
    """Queue the undo of an import that has ended within 24 hours. A repeated request changes nothing.

    If the job is lost, the sweep queues it again. Raises NotFound, NotInThisStatus.
    """

    def attempt() -> ClientImport:
        found = get_import(services, import_id)
        if found.undo is not None:
            return found
        now = services.clock.now()
        if not found.may_be_undone(now):
            raise NotInThisStatus(Text("undo.not_now"))
        undo = Undo(now, author.name, below=found.row + CHUNK)
        undoing = replace(found, status=UNDOING, undo=undo, moved_at=now)
        services.imports.begin_undo(undoing, author.record("import", import_id, None, None, UNDONE_ACTION))
        queue_import(services, undoing)  # once: a second job would come back to the queue until the first one ends
        return undoing

    return retry_lost_races(services.clock, attempt)


def keep_traces(services: Services, client_import: ClientImport, traces: Sequence[Trace], is_repetition: bool) -> None:
    """Keep what the chunk at the cursor is about to do.

    `is_repetition`: an earlier try may have done a part of it, or the chunk does otherwise than it was decided. Threads
    of a worker keep their traces one after the other.
    """
    key = _key(client_import, client_import.row)
    with _keeping:
        if is_repetition:
            traces = merge_traces(_read(services, key), traces)
        if traces:
            services.import_files.put(key, write_traces(traces))


def forget_absent(services: Services, client_import: ClientImport) -> None:
    """Drop the traces of new clients that the chunk at the cursor has not added: others had their numbers first.

    The undo would count them as removed.
    """
    assert client_import.plan is not None
    key, added = _key(client_import, client_import.row), services.clients.get_many(client_import.plan.ids)
    traces = [trace for trace in _read(services, key) if trace.before is not None or trace.client_id in added]
    services.import_files.put(key, write_traces(traces))


def process_undo(services: Services, import_id: int, seconds_left: Callable[[], float]) -> bool:
    """Returns False if the time is up and the job must be repeated. Raises ImportBusy if another worker has it."""
    with leased(services, import_id, seconds_left, UNDOING) as client_import, services.thread_pool(THREADS) as threads:
        undoing = client_import
        while undoing.undo and undoing.undo.below > undoing.first_row:
            if seconds_left() < SECONDS_FOR_A_CHUNK:
                services.imports.end_lease(undoing)
                return False
            undoing = _undo_chunk(services, threads, undoing, undoing.undo)
        services.imports.advance(replace(undoing, status=UNDONE, moved_at=services.clock.now()))
        log.info("import undone")
    return True


def _undo_chunk(services: Services, threads: Executor, client_import: ClientImport, undo: Undo) -> ClientImport:
    row = client_import.chunk_before(undo.below)
    traces = _read(services, _key(client_import, row))
    current = services.clients.get_many([trace.client_id for trace in traces])
    planned = [undo_step(trace, current.get(trace.client_id)) for trace in traces]
    queue_moved_clients(services, [(step.current, step.after) for step in planned if step.current and step.after])
    author = author_of(services, undo.author or SERVICE_AUTHOR)
    done = list(threads.map(partial(_act, services, author), traces, planned, range(len(traces))))
    services.imports.add_kept(client_import, [KeptClient(step.client_id, step.kept) for step in done if step.kept])
    removed = [step.client_id for step in done if step.removes]
    kept = sum(step.kept is not None for step in done)
    undo = replace(
        undo,
        below=row,
        removed=undo.removed + len(removed),
        restored=undo.restored + len(done) - len(removed) - kept,
        kept=undo.kept + kept,
    )
    log_clients("removed", removed)
    advanced = replace(client_import, undo=undo, moved_at=services.clock.now())
    services.imports.advance(advanced)
    return advanced


def _act(services: Services, author: Author, trace: Trace, planned: UndoStep, number: int) -> UndoStep:
    """Take back what was done to one client, by a new decision if another writer was faster. Returns the decision.

    `number`: gives the audit record a moment of its own.
    """
    step: UndoStep | None = planned

    def attempt() -> UndoStep:
        nonlocal step
        decided = step or undo_step(trace, services.clients.get(trace.client_id))
        step = None
        if decided.removes and decided.current:
            services.clients.remove(decided.current)
        elif decided.current and decided.after:
            before, after = decided.current, decided.after
            shown = represent_client(before), represent_client(after)
            record = author.numbered(number).record("client", after.id, *shown)
            services.clients.change(before, after, record if replaces_consent(before, after) else None)
        return decided

    return retry_lost_races(services.clock, attempt)


def _read(services: Services, key: str) -> list[Trace]:
    """Nothing if the chunk changed no client."""
    try:
        piece = services.import_files.read(key, 0, MAX_TRACES)
    except FileGone:
        return []
    return read_traces(piece.content) if piece else []


def _key(client_import: ClientImport, row: int) -> str:
    return f"undo/{client_import.id}/{row}.json.gz"
