"""Reverse the reopenings of a round whose process died after a later decision had closed the mailing.

The round of that decision may have counted the messages by the final statuses that they had before, and ended the
mailing. The job of the dead process is delivered again: it finds these messages by the round in their rows, and gives
each its final status back, so that the rows equal the counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..domain.jobs import ReconcileShard
from ..domain.mailing import Mailing
from ..domain.message import QUEUED
from ..domain.message_change import restoring
from ..errors import confirmed
from ..logs import log_clients
from .queueing import PAGE, SECONDS_FOR_A_PAGE

if TYPE_CHECKING:
    from ..adapters.services import Services


def reverse_reopenings(
    services: Services, mailing: Mailing, job: ReconcileShard, seconds_left: Callable[[], float]
) -> bool:
    """Reads the shard once. Returns False if the time is up: the job is repeated. Raises NotWritten."""
    after = 0
    while seconds_left() >= SECONDS_FOR_A_PAGE:
        page = services.messages.page(mailing.message_shard(job.shard), after, PAGE, [QUEUED])
        changes = [change for message in page if (change := restoring(message, job.round_number))]
        written = services.messages.change_all(changes)
        restored = [change.key.client_id for change, is_new in zip(changes, written, strict=True) if is_new is True]
        log_clients("reopening reversed", restored, mailing_id=mailing.id)
        for result in written:
            confirmed(result)
        if len(page) < PAGE:
            return True
        after = page[-1].client_id
    return False
