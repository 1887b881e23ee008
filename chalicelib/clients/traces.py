"""The job of an erasure: clean the traces of a person in messages and in refused rows of imports.

The messages are found by their keys, mailing by mailing, and never by a scan. The progress is written after each step,
so an interrupted job goes on from there, and a step that is done twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ..access.audit import SERVICE_AUTHOR, author_of
from ..domain.audit_record import MASK
from ..domain.client_import import RUNNING, RefusedRow
from ..domain.erasure import Erasure, mentions
from ..domain.mailing import MAILING_ID
from ..domain.message_change import forgetting
from ..errors import RowChanged, confirmed
from ..logs import log
from ..texts import Text
from .erasure import PHONE_SUBJECT, SHOWN_DIGITS, queue_erasures
from .history import messages_of_client
from .imports import IMPORT_ID

if TYPE_CHECKING:
    from ..adapters.services import Services

TRACES_ERASED = "traces erased"
SECONDS_FOR_A_STEP = 10.0
REFUSED_PAGE = 1000


def erase_traces(services: Services, name: str, seconds_left: Callable[[], float]) -> bool:
    """Returns False if the time is up and the job must be repeated. Raises RowChanged if another worker was first.

    A running import may still refuse rows of the person: the sweep queues the job again in ten minutes.
    """
    erasure = services.erasures.get(name)
    if erasure is None:
        return True
    counters = services.counters
    erasure = erasure.begun(counters.last_id(MAILING_ID), counters.last_id(IMPORT_ID))
    while erasure.mailing_ids or erasure.import_ids:
        if seconds_left() < SECONDS_FOR_A_STEP:
            return False
        cleaned = _clean_messages(services, erasure) if erasure.mailing_ids else _clean_imports(services, erasure)
        erasure = replace(cleaned or erasure, moved_at=services.clock.now())
        services.erasures.advance(erasure)
        if cleaned is None:
            return True
    _finish(services, erasure)
    return True


def requeue_stalled(services: Services) -> int:
    """Queue the jobs of stalled erasures again, once in ten minutes each. Returns their number."""
    now = services.clock.now()
    stalled = []
    for erasure in services.erasures.open():
        if erasure.is_stalled(now):
            with suppress(RowChanged):  # it has moved or ended meanwhile
                services.erasures.advance(replace(erasure, moved_at=now))
                stalled.append(erasure)
    if stalled:
        queue_erasures(services, stalled)
    return len(stalled)


def _clean_messages(services: Services, erasure: Erasure) -> Erasure:
    """Remove the errors of the client's messages in the next mailings: a receipt's reason is text of the gateway.

    Raises RowChanged if a message changed since it was read: the step is repeated.
    """
    assert erasure.client_id is not None
    ids, now = erasure.mailing_ids, services.clock.now()
    found = messages_of_client(services, erasure.client_id, ids).values()
    changes = [change for mailed in found if (change := forgetting(mailed.message, now))]
    if not all(map(confirmed, services.messages.change_all(changes))):
        raise RowChanged
    return replace(erasure, mailings_below=ids[-1])


def _clean_imports(services: Services, erasure: Erasure) -> Erasure | None:
    """Skip to the newest import that exists among the next ids, and clean a page of its refused rows.

    Returns None if that import is running.
    """
    ids = erasure.import_ids
    existing = services.imports.get_many(ids)
    newest = next((import_id for import_id in ids if import_id in existing), None)
    if newest is None:
        return replace(erasure, imports_below=ids[-1], row=0)
    if existing[newest].status == RUNNING:
        return None
    after = erasure.row if newest == ids[0] else 0
    rows = services.imports.refused(newest, after, REFUSED_PAGE)
    key = services.phone_key.value()
    for row in rows:
        if mentions(row.cells.values(), erasure.digest, key):
            services.imports.erase_refused(newest, _erased(row))
    if len(rows) < REFUSED_PAGE:
        return replace(erasure, imports_below=newest, row=0)
    return replace(erasure, imports_below=newest + 1, row=rows[-1].number)


def _erased(row: RefusedRow) -> RefusedRow:
    """The row keeps its number, so that the list has as many rows as the import counts."""
    return RefusedRow(row.number, dict.fromkeys(row.cells, MASK), {"non_field_errors": [Text("import.row_erased")]})


def _finish(services: Services, erasure: Erasure) -> None:
    is_of_client = erasure.client_id is not None
    what, name = ("client", erasure.client_id) if is_of_client else (PHONE_SUBJECT, erasure.digest[:SHOWN_DIGITS])
    record = author_of(services, SERVICE_AUTHOR).record(what, name, None, None, TRACES_ERASED)
    services.erasures.finish(erasure, record)
    log.info("traces erased", extra={"client_id": erasure.client_id})
