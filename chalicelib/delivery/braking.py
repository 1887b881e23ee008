"""The brake of a mailing: count the answers to its first attempts and the refusals of its posts, and pause it if most
answers are doubtful or the refusals last.

A batch whose answers are all clear costs no call, unless doubtful ones or refusals were counted before.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from ..domain.brake import NO_ANSWERS, NO_REFUSALS, Answers
from ..domain.decisions import braked
from ..domain.mailing import Mailing
from ..domain.message import SENT
from ..errors import RowChanged
from ..logs import log
from ..retries import retry_lost_races
from .automatic_pause import decide_by_service
from .caches import MailingCache
from .send_task import Result

if TYPE_CHECKING:
    from ..adapters.services import Services


def count_results(services: Services, mailings: MailingCache, mailing_id: int, results: Sequence[Result]) -> None:
    """Called once for each mailing of a batch, with its results. Raises NotWritten."""
    is_any_in_doubt = _count_answers(services, mailings, mailing_id, results)
    is_any_refused = _count_refusals(services, mailings, mailing_id, results)
    mailing = mailings.last_known(mailing_id)
    if not (is_any_in_doubt or is_any_refused) or mailing is None:
        return
    if braked(mailing, services.clock.now()) != mailing:
        with suppress(RowChanged):  # the next such answer tries again
            retry_lost_races(services.clock, lambda: _pause(services, mailings, mailing_id))


def _count_answers(services: Services, mailings: MailingCache, mailing_id: int, results: Sequence[Result]) -> bool:
    """Returns whether an answer of the batch is doubtful."""
    batch = sum((result.answers for result in results), NO_ANSWERS)
    is_any_in_doubt = any(result.in_doubt for result in results)
    mailing = mailings.last_known(mailing_id)
    is_counting = mailing is not None and mailing.answers != NO_ANSWERS
    if is_any_in_doubt or (is_counting and batch.total):
        now = services.clock.now()
        _cache(mailings, _add_answers(services, mailing_id, batch, is_counting), now)
    return is_any_in_doubt


def _add_answers(services: Services, mailing_id: int, batch: Answers, is_counting: bool) -> Mailing | None:
    """Returns the changed mailing; None if nothing was to be written, or the mailing was deleted or has ended."""
    if not batch.total or (batch.begin_anew and not is_counting):
        return None
    written = services.mailings.add_answers(mailing_id, batch, services.clock.now())
    if written is not None and written.answers.begin_anew:
        return services.mailings.clear_answers(mailing_id)
    return written


def _count_refusals(services: Services, mailings: MailingCache, mailing_id: int, results: Sequence[Result]) -> bool:
    """Returns whether refusals were counted: a batch with an accepted message has none, and ends the count."""
    mailing = mailings.last_known(mailing_id)
    batch = sum((result.refusals for result in results), NO_REFUSALS)
    is_accepted, now = any(result.status == SENT for result in results), services.clock.now()
    if is_accepted and mailing is not None and mailing.refusals != NO_REFUSALS:
        _cache(mailings, services.mailings.clear_refusals(mailing_id), now)
    if is_accepted or batch == NO_REFUSALS:
        return False
    _cache(mailings, services.mailings.add_refusals(mailing_id, batch, now), now)
    return True


def _cache(mailings: MailingCache, written: Mailing | None, now: datetime) -> None:
    if written is not None:
        mailings.put(written, now)


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
