"""Read one shard of a mailing's messages page by page, repair the messages that have a wrong state, and count them.

The turn may end anywhere. Rows are written before their queue messages, and a reopened row names its round, so that a
repetition queues it again. The counts err towards `queued` only: a reopening is counted before its rows are written,
and a closing after that. Otherwise `queued` would fall to 0 too early, and each batch would ask for another round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from ..domain import waves
from ..domain.admission import Repair, repair_for
from ..domain.audience_slice import ShardReport
from ..domain.canary import is_in_canary
from ..domain.counts import NO_COUNTS, Counts, counts_from_statuses, counts_of
from ..domain.expiry import ExpiryCauses, expiry_reason, failure_until_the_end, hours_at_the_end
from ..domain.mailing import RUNNING, Mailing
from ..domain.message import CANCELLED, EXPIRED, NO_ANSWER, QUEUED, UNKNOWN, Message, MessageKey
from ..domain.message_change import MessageChange, closing, reopening
from ..domain.reasons import bounded, counted, reason_of
from ..domain.send_window import Hours
from ..domain.waves import Offset, offsets_of
from ..errors import RowChanged, confirmed
from ..logs import log_clients
from ..texts import Text
from ..zones import zone
from . import local_hours
from .queueing import PAGE, SECONDS_FOR_A_PAGE, THREADS, queue_again
from .rate_limits import limits_of
from .waves import count_changes

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..adapters.services import Services

CHUNK = PAGE // THREADS
"""Messages that one thread repairs, 25 in a call."""


@dataclass(frozen=True)
class Repaired:
    """A message as it was read, the repair that it needed, and its status and error afterwards."""

    message: Message
    repair: Repair | None
    status: str
    error: Text | None = None


@dataclass(frozen=True)
class WrittenChange:
    """`result`: True if it is written, False if the message has changed meanwhile, an error if it is not confirmed."""

    change: MessageChange
    result: bool | Exception

    @property
    def is_reopening(self) -> bool:
        return self.change.after.status == QUEUED

    @property
    def is_refused_reopening(self) -> bool:
        return self.result is False and self.is_reopening


def repair_shard(
    services: Services, mailing: Mailing, shard: int, report: ShardReport, seconds_left: Callable[[], float]
) -> ShardReport:
    """Read on from `report`, which may be incomplete or empty. Returns an incomplete report if the time is up.

    Raises RowChanged if it would reopen messages after another decision about the mailing.
    """
    offset = offsets_of(mailing, zone)
    with services.thread_pool(THREADS) as threads:
        while seconds_left() >= SECONDS_FOR_A_PAGE:
            page = services.messages.page(mailing.message_shard(shard), report.read_until or 0, PAGE)
            hours = local_hours.current_hours(services, mailing)
            found = _report_on(_repair_page(services, threads, mailing, page, hours), hours, offset)
            if mailing.status == RUNNING:
                mailing = local_hours.schedule_releases(services, mailing, hours.releases())
            report += replace(found, read_until=page[-1].client_id if page else None)
            if len(page) < PAGE:
                return replace(report, read_until=None)
    return replace(report, read_until=report.read_until or 0)


def _report_on(repaired: list[Repaired], hours: Hours, offset: Offset) -> ShardReport:
    counts = counts_of(replace(one.message, status=one.status) for one in repaired)
    return ShardReport(
        counts=replace(counts, total=len(repaired)),
        last_post_at=max((one.message.posted_at for one in repaired if one.message.posted_at), default=None),
        held=sum(one.status == QUEUED and hours.needs_release(one.message.timezone) for one in repaired),
        in_canary=sum(is_in_canary(one.message, one.status, hours) for one in repaired),
        attempts=sum(one.message.attempts for one in repaired),
        reasons=bounded(counted(reason_of(one.status, one.error) for one in repaired)),
        waves=waves.counted(((one.message.timezone, one.status) for one in repaired), offset),
    )


def _repair_page(
    services: Services, threads: Executor, mailing: Mailing, page: list[Message], hours: Hours
) -> list[Repaired]:
    now, routes = services.clock.now(), services.settings.routes
    repairs = [repair_for(message, mailing, now, routes) for message in page]
    if Repair.REOPEN in repairs:
        _require_same_decision(services, mailing)
    _count(services, mailing, -_counts(m.status for m, r in zip(page, repairs, strict=True) if r is Repair.REOPEN))
    expiry = _expiry_reasons(services, mailing, page) if Repair.EXPIRE in repairs else [None] * len(page)
    written = _write(services, threads, [_change(mailing, *one) for one in zip(page, repairs, expiry, strict=True)])
    if Repair.REOPEN in repairs:
        written |= _withdrawn(services, threads, mailing, written.values())
    repaired = [
        _repaired(message, repair, written.get(message.key)) for message, repair in zip(page, repairs, strict=True)
    ]
    _log_repairs(mailing, repaired)
    closed = _counts(one.change.after.status for one in written.values() if one.result is True)
    not_reopened = _counts(one.change.before.status for one in written.values() if one.is_refused_reopening)
    _count(services, mailing, closed + not_reopened)
    changes = [one.change for one in written.values() if one.result is True]
    count_changes(services, mailing, [(change.before, change.after) for change in changes])
    for one in written.values():
        confirmed(one.result)
    queued = [one.message for one in repaired if one.repair in (Repair.REOPEN, Repair.REQUEUE)]
    waiting = [message for message in queued if not hours.needs_release(message.timezone)]
    queue_again(services, mailing, waiting, threads)
    return repaired


def _require_same_decision(services: Services, mailing: Mailing) -> None:
    """Raises RowChanged if another decision about the mailing has come first.

    A later round may have counted the final rows of a cancelled mailing, and ended it: nothing would close them again.
    """
    found = services.mailings.get(mailing.id)
    if found is None or found.version != mailing.version:
        raise RowChanged


def _withdrawn(
    services: Services, threads: Executor, mailing: Mailing, written: Iterable[WrittenChange]
) -> dict[MessageKey, WrittenChange]:
    """The reopenings that are reversed, as refused ones, because the mailing was cancelled or got an earlier end.

    Throttled writes take seconds. Meanwhile the round of that decision may have ended the mailing with the final rows.
    """
    found = services.mailings.get(mailing.id)
    if found is None or found.version == mailing.version or not found.is_closed(services.clock.now()):
        return {}
    reopenings = [one for one in written if one.is_reopening and one.result is not False]
    reversals = _write(services, threads, [one.change.reversal for one in reopenings])
    return {one.change.key: _reversed(one, reversals[one.change.key].result) for one in reopenings}


def _reversed(reopening: WrittenChange, reversal: bool | Exception) -> WrittenChange:
    """`reversal`: the result of the opposite change. False: another writer has changed the message since."""
    if reversal is False:
        return reopening
    return replace(reopening, result=reversal if isinstance(reversal, Exception) else False)


def _counts(statuses: Iterable[str]) -> Counts:
    return counts_from_statuses(Counter(statuses))


def _count(services: Services, mailing: Mailing, counts: Counts) -> None:
    """Correct the counts of the mailing. Raises NotWritten."""
    if counts != NO_COUNTS:
        services.mailings.correct_counts(mailing.id, counts)


def _expiry_reasons(services: Services, mailing: Mailing, page: list[Message]) -> list[Text | None]:
    """Why each message of the page expires if it had no failed attempt."""
    hours = hours_at_the_end(mailing, zone)
    is_limited = limits_of(services.settings, mailing) is not None
    causes = ExpiryCauses(is_limited, failure_until_the_end(mailing, page))
    now = services.clock.now()
    return [
        NO_ANSWER if message.is_in_doubt(now) else expiry_reason(mailing, message.timezone, hours, causes)
        for message in page
    ]


def _change(mailing: Mailing, message: Message, repair: Repair | None, reason: Text | None) -> MessageChange | None:
    """`reason`: why the message expires, if it does."""
    match repair:
        case Repair.EXPIRE:
            return closing(message, EXPIRED, reason)
        case Repair.CANCEL:
            return closing(message, CANCELLED)
        case Repair.MARK_UNKNOWN:
            return closing(message, UNKNOWN, NO_ANSWER)
        case Repair.REOPEN:
            return reopening(message, mailing.resends, mailing.rounds)
    return None


def _write(
    services: Services, threads: Executor, changes: Iterable[MessageChange | None]
) -> dict[MessageKey, WrittenChange]:
    """Of two workers that change a message, one succeeds."""
    wanted = [change for change in changes if change is not None]
    chunks = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
    results = chain.from_iterable(threads.map(services.messages.change_all, chunks))
    return {change.key: WrittenChange(change, result) for change, result in zip(wanted, results, strict=True)}


def _repaired(message: Message, repair: Repair | None, written: WrittenChange | None) -> Repaired:
    if written is None:
        return Repaired(message, repair, message.status, message.last_error)
    after = written.change.after
    if written.result is not True:
        return Repaired(message, repair, QUEUED)
    return Repaired(message, repair, after.status, after.last_error)


def _log_repairs(mailing: Mailing, repaired: list[Repaired]) -> None:
    for status in {one.status for one in repaired}:
        clients = [one.message.client_id for one in repaired if one.repair and one.status == status]
        log_clients("repaired", clients, mailing_id=mailing.id, status=status)
