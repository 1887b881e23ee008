"""Warnings about the audience of a mailing that has not started: unused tags, deleted mailings, no recipients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..clients.recipients import choose, find_named, plan_now
from ..domain.audience import label_partitions
from ..domain.client import MAX_CLIENT_ID
from ..domain.filter import Filter
from ..domain.mailing import SCHEDULED, Mailing
from ..logs import log
from ..texts import Text
from .audience import reached_by

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
    chosen, deadline = reached_by(services, mailing.chosen, mailing.purpose), services.clock.now() + TIME_LIMIT
    try:
        return audience_warnings(services, chosen, lambda: _has_no_recipient(services, chosen, deadline))
    except Exception:
        log.exception("audience not checked")
        return []


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
