"""The brake of a mailing: count the answers to its first attempts, and pause it if most of them are doubtful.

A batch whose answers are all clear costs no call, unless doubtful ones were counted before.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ..domain.brake import NO_ANSWERS, Answers
from ..domain.decisions import braked
from ..domain.mailing import Mailing
from ..errors import RowChanged
from ..logs import log
from ..retries import retry_lost_races
from .automatic_pause import decide_by_service
from .caches import MailingCache
from .send_task import Result

if TYPE_CHECKING:
    from ..adapters.services import Services


def count_answers(services: Services, mailings: MailingCache, mailing_id: int, results: Sequence[Result]) -> None:
    """Called once for each mailing of a batch, with its results. Raises NotWritten."""
    batch = sum((result.answers for result in results), NO_ANSWERS)
    is_any_in_doubt = any(result.in_doubt for result in results)
    mailing = mailings.last_known(mailing_id)
    is_counting = mailing is not None and mailing.answers != NO_ANSWERS
    if not is_any_in_doubt and not (is_counting and batch.total):
        return
    now = services.clock.now()
    written = _write(services, mailing_id, batch, is_counting)
    if written is not None:
        mailings.put(written, now)
    mailing = written or mailing
    if is_any_in_doubt and mailing is not None and braked(mailing, services.clock.now()) != mailing:
        with suppress(RowChanged):  # the next doubtful answer tries again
            retry_lost_races(services.clock, lambda: _pause(services, mailings, mailing_id))


def _write(services: Services, mailing_id: int, batch: Answers, is_counting: bool) -> Mailing | None:
    """Returns the changed mailing; None if nothing was to be written, or the mailing was deleted or has ended."""
    if not batch.total or (batch.begin_anew and not is_counting):
        return None
    written = services.mailings.add_answers(mailing_id, batch, services.clock.now())
    if written is not None and written.answers.begin_anew:
        return services.mailings.clear_answers(mailing_id)
    return written


def _pause(services: Services, mailings: MailingCache, mailing_id: int) -> None:
    """Raises RowChanged if another decision about the mailing came first."""
    before = services.mailings.get(mailing_id)
    if before is None:
        return
    now = services.clock.now()
    after = braked(before, now)
    if after != before:
        mailings.put(decide_by_service(services, before, after), now)
        log.warning("brake", extra={"mailing_id": mailing_id, "reason": str(after.paused_because)})
