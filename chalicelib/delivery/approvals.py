"""Hold mailings at their start until their clients are counted, and let those go on that need no approval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.approval import COUNTING, GIVEN
from ..domain.approval_decisions import counted
from ..domain.filter import Filter
from ..domain.mailing import Mailing
from ..errors import RowChanged
from ..logs import log
from .automatic_pause import decide_by_service
from .rounds import request_reconciliation

if TYPE_CHECKING:
    from ..adapters.services import Services


def must_be_counted(services: Services, mailing: Mailing, chosen: Filter) -> bool:
    """Whether the start holds the mailing. `chosen`: its filter at the start.

    A segment that was changed after the approval chooses other clients than the approver has seen.
    """
    if not services.settings.approval_above:
        return False
    return mailing.approval != GIVEN or chosen != mailing.chosen


def conclude_count(services: Services, mailing: Mailing) -> Mailing:
    """After the fan-out: the mailing goes on if its clients are few, or awaits its approval.

    If another decision is written first, or the process dies, the sweep repeats this.
    """
    if mailing.approval != COUNTING:
        return mailing
    most = services.settings.approval_above or mailing.counts.total
    after = counted(mailing, most, services.clock.now())
    if after == mailing:
        return mailing
    try:
        after = decide_by_service(services, mailing, after)
    except RowChanged:
        return mailing
    log.info("counted", extra={"mailing_id": mailing.id, "number": mailing.counts.total, "approval": after.approval})
    if after.has_orders:
        request_reconciliation(services, after)
    return after
