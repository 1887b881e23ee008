"""Process a chunk of a file of the stop list, as `import_worker.py` processes one of clients.

The tally of the chunk is saved before the first stop is written. An interrupted chunk is repeated: the repetition
finds the written stops on the list and keeps the saved tally.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from ..access.audit import SERVICE_AUTHOR, author_of
from ..domain.audit_record import Author
from ..domain.client import Client
from ..domain.client_import import ChunkPlan, ClientImport, Tally
from ..domain.csv_file import FileRow
from ..domain.stop import Stop
from ..domain.stop_import import decide_stops
from ..domain.walk import groups_of
from ..errors import BadInput, Conflict
from ..logs import log
from .import_rows import check_rows, count_normalized, phones_of, without_erased
from .registry import OPTED_OUT, record_of_change
from .stop_list import record_of_stop, stop_number

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..adapters.services import Services

GROUP = 33
"""Stops in one transaction, of which DynamoDB allows a hundred items. Each takes three: its phone number, an audit
record, and the client or the condition that the number is not erased."""


def process_stops(
    services: Services, threads: Executor, client_import: ClientImport, chunk: list[FileRow]
) -> ClientImport:
    valid, refused = check_rows(client_import, chunk)
    phones = {row["phone_number"] for row in valid.values()}
    known, stops = services.clients.find_many(phones)
    erased = services.clients.erased_among(phones | phones_of(refused))
    rows, refused = without_erased(client_import, valid, refused, erased)
    services.imports.add_refused(client_import, refused)
    new, tally = decide_stops(rows, known, stops, client_import.created_at)
    normalized = count_normalized(client_import, chunk, rows)
    plan = client_import.plan or ChunkPlan(tally + Tally(refused=len(refused), normalized=normalized), len(chunk))
    if client_import.is_dry_run:
        new = []
    elif new and client_import.plan is None:
        client_import = replace(client_import, plan=plan)
        services.imports.advance(client_import)
    corrections = _write(services, threads, client_import, known, new)
    advanced = client_import.after_chunk(plan, corrections, chunk[-1].end, services.clock.now())
    services.imports.advance(advanced)
    log.info("stops added", extra={"number": len(new)})
    return advanced


def _write(
    services: Services, threads: Executor, client_import: ClientImport, known: Mapping[str, Client], new: list[Stop]
) -> Tally:
    """Returns the correction of the tally."""
    alone = [stop for stop in new if stop.client_id is None]
    of_clients = sorted((stop for stop in new if stop.client_id is not None), key=lambda stop: stop.reason or "")
    add = partial(_add, services, client_import)
    opt_out = partial(_opt_out, services, client_import, known)
    groups = [
        group for _, same in groupby(of_clients, lambda stop: stop.reason) for group in groups_of(list(same), GROUP)
    ]
    return sum([*threads.map(add, groups_of(alone, GROUP)), *threads.map(opt_out, groups)], start=Tally())


def _add(services: Services, client_import: ClientImport, stops: list[Stop]) -> Tally:
    """Add numbers without a client in one transaction, or one by one after a conflict."""
    author = _author(services, client_import)
    records = [record_of_stop(services, author.numbered(number), stop) for number, stop in enumerate(stops)]
    try:
        services.stop_list.add_many(stops, records)
    except Conflict:
        return _add_each(services, client_import, stops)
    return Tally()


def _opt_out(services: Services, client_import: ClientImport, known: Mapping[str, Client], stops: list[Stop]) -> Tally:
    """Opt out clients with one reason in one transaction, or one by one after a conflict."""
    befores = [known[stop.phone_number] for stop in stops]
    changes = [
        (before, replace(before, opted_out_at=stop.opted_out_at)) for before, stop in zip(befores, stops, strict=True)
    ]
    author = _author(services, client_import)
    records = [
        record_of_change(author.numbered(number), *change, stops[0].cause, OPTED_OUT)
        for number, change in enumerate(changes)
    ]
    try:
        services.clients.change_many(changes, records, stops[0].cause)
    except Conflict:
        return _add_each(services, client_import, stops)
    return Tally()


def _add_each(services: Services, client_import: ClientImport, stops: Iterable[Stop]) -> Tally:
    return sum((_add_one(services, client_import, stop) for stop in stops), start=Tally())


def _add_one(services: Services, client_import: ClientImport, stop: Stop) -> Tally:
    author = _author(services, client_import)
    try:
        _, is_new = stop_number(services, stop.phone_number, stop.cause, author, stop.opted_out_at)
    except BadInput:  # erased since the decision about the chunk
        return Tally(added=-1, refused=1, opted_out=-1)
    return Tally() if is_new else Tally(added=-1, unchanged=1)


def _author(services: Services, client_import: ClientImport) -> Author:
    return author_of(services, client_import.author or SERVICE_AUTHOR)
