"""Make the mailings of series. The sweep calls this every minute, so a mailing of a series starts within a minute.

A mailing is written in one transaction with the next start of its series, on condition that no other write of the
series came first. So no mailing is made twice, and none is lost if the process dies between two calls.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..access.audit import SERVICE_AUTHOR, author_of
from ..domain.jobs import StartMailing
from ..domain.mailing import MAILING_ID, Mailing
from ..domain.series import next_due, with_mailing
from ..errors import TryAgain
from ..logs import log
from ..representation import represent_mailing
from ..retries import retry_lost_races
from ..zones import zone

if TYPE_CHECKING:
    from ..adapters.services import Services

MOST_AT_ONCE = 100
"""Series of one sweep. Each takes four calls to AWS; the next sweep takes the next ones."""


def make_due_mailings(services: Services) -> int:
    """Make one mailing for each series whose start has come, and return their number.

    After an outage a series may have several starts whose mailings would still send: the next sweeps make the others.
    An error does not stop the other series: all errors are raised together at the end.
    """
    made, errors = 0, []
    for series_id in services.series.due_ids(services.clock.now(), MOST_AT_ONCE):
        try:
            made += make_due_mailing(services, series_id) is not None
        except Exception as error:
            log.exception("mailing of a series not made", extra={"series_id": series_id})
            errors.append(error)
    if errors:
        raise ExceptionGroup("some mailings of series were not made", errors)
    return made


def make_due_mailing(services: Services, series_id: int) -> int | None:
    """Make the mailing whose start has come, and request its start. Returns its id; None if there is none to make."""
    mailing = retry_lost_races(services.clock, lambda: _make(services, series_id))
    if mailing is None:
        return None
    log.info("made by a series", extra={"series_id": series_id, "mailing_id": mailing.id})
    try:
        services.jobs_queue.send([StartMailing(mailing.id)])
    except TryAgain:
        log.exception("start left to the sweep", extra={"mailing_id": mailing.id})
    return mailing.id


def _make(services: Services, series_id: int) -> Mailing | None:
    before = services.series.get(series_id)
    if before is None:
        return None
    after, mailing = next_due(before, services.clock.now(), zone)
    if after.missed > before.missed:
        missed = after.missed - before.missed
        log.warning("mailings of a series missed", extra={"series_id": series_id, "missed": missed})
    if mailing is None:
        if after != before:
            services.series.change(before, after)
        return None
    mailing = replace(mailing, id=services.counters.next_id(MAILING_ID))
    record = author_of(services, SERVICE_AUTHOR).record("mailing", mailing.id, None, represent_mailing(mailing))
    services.series.change(before, with_mailing(after, mailing.id), record, mailing)
    return mailing
