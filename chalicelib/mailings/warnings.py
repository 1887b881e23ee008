"""Warnings about a mailing that has not started: malformed placeholders, unused tags, deleted mailings, nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..clients.recipients import choose, find_named, plan_now
from ..clients.segments import with_current_segment
from ..domain.approval import GIVEN
from ..domain.audience import label_partitions
from ..domain.client import MAX_CLIENT_ID
from ..domain.filter import Filter
from ..domain.mailing import SCHEDULED, Mailing
from ..domain.walk import time_limit
from ..logs import log
from ..texts import Text
from .audience import reached_by, reaches_more_than
from .placeholders import placeholder_warnings

if TYPE_CHECKING:
    from ..adapters.services import Services

TIME_LIMIT = timedelta(seconds=1)
"""The check ends after this time, without a warning: a person or a program waits for the answer."""

PAGE = 100
NOBODY = Text("audience.nobody")


def warnings_of(services: Services, mailing: Mailing) -> list[Text]:
    """Empty for a mailing that has started, or sends nothing. An error is logged: the mailing is written by now."""
    if mailing.status != SCHEDULED:
        return []
    return [*placeholder_warnings(mailing.message_text), *_of_audience(services, mailing)]


def _of_audience(services: Services, mailing: Mailing) -> list[Text]:
    deadline = services.clock.now() + TIME_LIMIT
    try:
        chosen = reached_by(services, with_current_segment(services, mailing.chosen), mailing.purpose)
        return audience_warnings(services, chosen, lambda: _has_no_recipient(services, chosen, deadline))
    except Exception:
        log.exception("audience not checked")
        return []


def approval_warnings(services: Services, mailing: Mailing) -> list[Text]:
    """Whether the mailing will wait for an approval at its start, if it is known in time. As `warnings_of`."""
    most = services.settings.approval_above
    if not most or mailing.status != SCHEDULED or mailing.approval == GIVEN:
        return []
    has_time = time_limit(services.clock.now, TIME_LIMIT.total_seconds())
    try:
        chosen = reached_by(services, with_current_segment(services, mailing.chosen), mailing.purpose)
        return [_needs_approval(most)] if reaches_more_than(services, chosen, most, has_time) else []
    except Exception:
        log.exception("audience not counted")
        return []


def warn_of_approval(most: int, clients: int) -> list[Text]:
    """`most`: clients that a mailing reaches without an approval; 0: any number."""
    return [_needs_approval(most)] if most and clients > most else []


def _needs_approval(most: int) -> Text:
    return Text("launch.needs_approval", most=most)


def audience_warnings(services: Services, chosen: Filter, has_nobody: Callable[[], bool]) -> list[Text]:
    deadline = services.clock.now() + TIME_LIMIT
    unused = [tag for tag in chosen.tags if services.clock.now() < deadline and _has_no_client(services, tag)]
    found = [Text("audience.unused_tags", tags=", ".join(unused))] if unused else []
    deleted = [str(mailing.id) for mailing in find_named(services, chosen) or () if mailing.is_deleted]
    found += [Text("audience.deleted_mailings", ids=", ".join(deleted))] if deleted else []
    return [*found, NOBODY] if has_nobody() else found


def _has_no_client(services: Services, tag: str) -> bool:
    return not any(services.clients.read(partition, 0, MAX_CLIENT_ID, 1) for partition in label_partitions("tag", tag))


def _has_no_recipient(services: Services, chosen: Filter, deadline: datetime) -> bool:
    """False also if the time is up before a recipient is found."""
    plan = plan_now(services, chosen)
    for partition, first, last in plan.reads(chosen):
        after = first - 1
        while clients := services.clients.read(partition, after, last, PAGE):
            if choose(services, chosen, plan.named, list(filter(chosen.may_be_texted, clients))):
                return False
            after = clients[-1].id
            if services.clock.now() >= deadline:
                return False
        if services.clock.now() >= deadline:
            return False
    return True
