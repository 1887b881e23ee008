"""A reconciliation round reads all rows of a mailing, shard by shard, repairs and counts them.

A mailing ends when a round finds no waiting message. The counts of the mailing only show the progress.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..domain import rounds
from ..domain.audience_slice import ShardReport
from ..domain.counts import Counts
from ..domain.decisions import canary_checked, ended
from ..domain.jobs import ReconcileShard
from ..domain.mailing import CANCELLED as MAILING_CANCELLED
from ..domain.mailing import PAUSED, Mailing
from ..logs import log
from ..retries import retry_lost_races
from . import feed
from .automatic_pause import decide_by_service
from .interrupted_reopening import reverse_reopenings
from .reasons import correct_reasons
from .repairs import repair_shard
from .rounds import request_reconciliation
from .timeline import keep_last_sample
from .waves import correct_waves

if TYPE_CHECKING:
    from ..adapters.services import Services


def reconcile_shard(services: Services, job: ReconcileShard, seconds_left: Callable[[], float]) -> bool:
    """Repair and count one shard. Returns False if the time is up: the job is repeated and reads on from its report.

    A job of an earlier round reads nothing, unless it may have died while it reopened messages of a mailing that is now
    closed. Raises RowChanged if the round could not be concluded, or became invalid while the job reopened messages.
    """
    mailing = services.mailings.get(job.mailing_id)
    if mailing is None or mailing.plan is None or job.shard not in range(mailing.plan.shards):
        return True
    if job.round_number < mailing.first_valid_round and mailing.is_closed(services.clock.now()):
        return reverse_reopenings(services, mailing, job, seconds_left)
    if not mailing.is_open or job.round_number != mailing.rounds:
        return True
    shards = mailing.plan.shards
    report = services.slices.report_of(mailing.id, mailing.rounds, job.shard)
    if report is None or not report.is_complete:
        report = repair_shard(services, mailing, job.shard, report or ShardReport(read_until=0), seconds_left)
        report = replace(report, written_at=services.clock.now())
        kept_until = mailing.kept_until(services.settings.message_retention_days)
        services.slices.report(mailing.id, mailing.rounds, job.shard, report, kept_until)
    if not report.is_complete:
        return False
    reports = services.slices.reports(mailing.id, mailing.rounds) if shards > 1 else {job.shard: report}
    if sum(report.is_complete for report in reports.values()) == shards:
        _conclude(services, mailing.id, mailing.rounds, reports)
    return True


def _conclude(services: Services, mailing_id: int, round_number: int, reports: dict[int, ShardReport]) -> None:
    """When every shard is read, end the mailing with the counts of the reports, or carry out what follows from them.

    Receipts change the mailing's row often, so a conflicting write is tried again. Raises RowChanged in the end.
    """
    found = sum(reports.values(), ShardReport())
    retry_lost_races(services.clock, lambda: _try_to_conclude(services, mailing_id, round_number, found))


def _try_to_conclude(services: Services, mailing_id: int, round_number: int, found: ShardReport) -> None:
    """Raises RowChanged if another decision about the mailing came first."""
    mailing = services.mailings.get(mailing_id)
    if mailing is None or not mailing.is_open or not rounds.is_running(mailing) or round_number != mailing.rounds:
        return
    now = services.clock.now()
    if _can_end(mailing, found.counts, now):
        correct_reasons(services, mailing, found)
        correct_waves(services, mailing, found, is_end=True)
        after = ended(mailing, found.counts, now)
        services.mailings.end(mailing, replace(after, last_post_at=found.last_post_at, attempts=found.attempts))
        keep_last_sample(services, after)
        log.info("mailing ended", extra={"mailing_id": mailing_id, "status": after.status, **found.counts.by_status()})
        return
    after = canary_checked(mailing, found.counts, found.in_canary, now)
    if after != mailing:
        _apply_canary_decision(services, mailing, after)
        return
    correct_reasons(services, mailing, found)
    correct_waves(services, mailing, found)
    feed.begin_after_round(services, mailing)
    after = services.mailings.conclude_round(mailing, rounds.concluded(mailing, found.counts, found.held))
    if after.needs_reconciliation:
        request_reconciliation(services, after)


def _apply_canary_decision(services: Services, before: Mailing, after: Mailing) -> None:
    after = decide_by_service(services, before, after)
    reason = str(after.paused_because) if after.paused_because else None
    log.info("canary", extra={"status": after.status, "holds": after.awaits_canary, "reason": reason})
    if after.has_orders:
        request_reconciliation(services, after)


def _can_end(mailing: Mailing, counts: Counts, now: datetime) -> bool:
    """Whether each client of the audience has a row with a final status, and no message is to be sent again."""
    if not mailing.is_fanned_out or counts.queued:
        return False
    if counts.total < mailing.counts.total:
        log.error("rows are missing", extra={"mailing_id": mailing.id, "rows": counts.total, **asdict(mailing.counts)})
        if not (mailing.may_lack_rows(now) or rounds.may_count_twice(mailing)):
            return False
    if mailing.resend and mailing.status == PAUSED and not mailing.is_over(now):
        return False  # the resume carries out the order
    return not counts.expired or mailing.is_over(now) or mailing.status == MAILING_CANCELLED
