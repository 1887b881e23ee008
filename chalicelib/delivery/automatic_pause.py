"""Decisions about a mailing that the service makes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..access.audit import SERVICE_AUTHOR, author_of
from ..domain.mailing import Mailing

if TYPE_CHECKING:
    from ..adapters.services import Services


def decide_by_service(services: Services, before: Mailing, after: Mailing) -> Mailing:
    """Write the decision. A pause gets an audit record, as a pause by a person does. Raises RowChanged."""
    pause_before, pause_after = _pause_fields(before), _pause_fields(after)
    record = None
    if pause_before != pause_after:
        author = author_of(services, SERVICE_AUTHOR)
        record = author.record("mailing", after.id, pause_before, pause_after, after.status)
    return services.mailings.change(before, after, record)


def _pause_fields(mailing: Mailing) -> dict[str, object]:
    reason = mailing.paused_because
    return {"status": mailing.status, "paused_because": str(reason) if reason else None}
