"""Count the messages of a mailing with local hours by wave, for people. Without local hours nothing is written.

Messages of other mailings have no time zone in their rows. An error is logged and brings no message back. What is lost
then, or with its process, is counted by the reconciliation round that ends the mailing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..domain import rounds
from ..domain.mailing import Mailing
from ..domain.message import QUEUED, Message
from ..domain.waves import PLANNED, Place, changed, offsets_of
from ..logs import log
from ..zones import zone
from .send_task import Result

if TYPE_CHECKING:
    from ..adapters.services import Services
    from ..domain.audience_slice import ShardReport


def count_results(services: Services, mailing: Mailing, results: Iterable[Result]) -> None:
    """Of a batch, after its statuses are counted."""
    settled: list[Place] = [(one.timezone, one.status) for one in results if one.timezone and one.status]
    _count(services, mailing, [(timezone, QUEUED) for timezone, _ in settled], settled)


def count_changes(services: Services, mailing: Mailing, changes: Iterable[tuple[Message, Message]]) -> None:
    """Of rows, as they were and as they are written."""
    known = [(before, after) for before, after in changes if after.timezone]
    _count(
        services,
        mailing,
        [(before.timezone, before.status) for before, _ in known],
        [(after.timezone, after.status) for _, after in known],
    )


def correct_waves(services: Services, mailing: Mailing, found: ShardReport, is_end: bool = False) -> None:
    """After a round. If it does not end the mailing, only if nobody has counted since it began.

    The rows tell nothing if they were written before the mailing had local hours, or read by an earlier version.
    """
    planned = sum(number for (kind, _), number in found.waves.items() if kind == PLANNED)
    is_whole = planned == found.counts.total and mailing.is_fanned_out
    if not planned or not is_whole or not (is_end or rounds.is_quiet(mailing)):
        return
    kept_until = mailing.kept_until(services.settings.message_retention_days)
    try:
        services.timelines.replace_waves(mailing.id, found.waves, kept_until)
    except Exception:
        log.exception("waves not corrected", extra={"mailing_id": mailing.id})


def _count(services: Services, mailing: Mailing, before: Iterable[Place], after: Iterable[Place]) -> None:
    try:
        counts = changed(before, after, offsets_of(mailing, zone))
        if counts:
            kept_until = mailing.kept_until(services.settings.message_retention_days)
            services.timelines.add_waves(mailing.id, counts, kept_until)
    except Exception:
        log.exception("waves not counted", extra={"mailing_id": mailing.id})
