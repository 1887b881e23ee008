"""Write the messages of a batch that are not posted: closed, or waiting in their rows for local hours.

They are written together. Their rows are read before, because most of them need no write: a reconciliation round has
closed them, or they wait for these hours already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from ..domain.mailing import Mailing
from ..domain.message import NO_ANSWER, UNKNOWN, Message, MessageKey
from ..domain.message_change import MessageChange, awaiting_hours, closing
from ..errors import confirmed
from ..texts import Text
from .local_hours import ScheduledReleases
from .send_task import DONE, Result, SendTask
from .waves import count_changes

if TYPE_CHECKING:
    from ..adapters.services import Services


@dataclass(frozen=True)
class Unposted:
    """`status`: the final status of the message, with its reason, `error`.

    Without a status the message waits for the local hours of `timezone`, which open at `opens_at`; None if they do not
    open before the end of the mailing.
    """

    task: SendTask
    mailing: Mailing
    status: str | None = None
    error: Text | None = None
    timezone: str = ""
    opens_at: datetime | None = None

    @property
    def key(self) -> MessageKey:
        return self.mailing.message_key(self.task.client_id)


def write_unposted(
    services: Services, releases: ScheduledReleases, unposted: Sequence[Unposted]
) -> dict[SendTask, Result | Exception]:
    """The results of the tasks. An error is the result of the tasks that it concerns."""
    results: dict[SendTask, Result | Exception] = {}
    for _, group in groupby(sorted(unposted, key=_mailing_id), key=_mailing_id):
        of_mailing = list(group)
        try:
            results |= _write_of_mailing(services, releases, of_mailing)
        except Exception as error:
            results |= {one.task: error for one in of_mailing}
    return results


def after_lost_write(services: Services, key: MessageKey) -> Result:
    """Another writer has changed the message before a claim or a closing: the row says what becomes of the task."""
    message, now = services.messages.get(key), services.clock.now()
    if message is None or not _is_doubtful(services, message, now):
        return without_write(message, now) or Result(delay=1)
    is_new = confirmed(services.messages.change_all([closing(message, UNKNOWN, NO_ANSWER)])[0])
    return Result(UNKNOWN, error=NO_ANSWER, timezone=message.timezone) if is_new else DONE


def _mailing_id(unposted: Unposted) -> int:
    return unposted.mailing.id


def _write_of_mailing(
    services: Services, releases: ScheduledReleases, group: Sequence[Unposted]
) -> dict[SendTask, Result | Exception]:
    found = services.messages.existing(one.key for one in group)
    now = services.clock.now()
    results: dict[SendTask, Result | Exception] = {}
    changes: list[tuple[Unposted, MessageChange]] = []
    for one in group:
        message = found.get(one.task.client_id)
        result = without_write(message, now)
        change = _change(services, one, message, now) if message is not None and result is None else None
        if change is not None:
            changes.append((one, change))
        else:
            results[one.task] = result or DONE
    written = services.messages.change_all([change for _, change in changes])
    done = [change for (_, change), outcome in zip(changes, written, strict=True) if outcome is True]
    _count_moved(services, group[0].mailing, done)
    for (one, change), outcome in zip(changes, written, strict=True):
        results[one.task] = _guarded(partial(_result, services, one, change, outcome))
    waits = [one for one in group if one.opens_at and results[one.task] is DONE]
    scheduled = _guarded(partial(_schedule, releases, waits))
    return results | {one.task: scheduled for one in waits}


def _count_moved(services: Services, mailing: Mailing, written: Sequence[MessageChange]) -> None:
    """Those that wait for the local hours of another time zone than before. The sender counts the final ones."""
    count_changes(services, mailing, [(one.before, one.after) for one in written if not one.after.is_final])


def _schedule(releases: ScheduledReleases, waits: Sequence[Unposted]) -> Result:
    """The messages of one mailing wait in their rows: their hours open at these moments."""
    if waits:
        releases.add(waits[0].mailing, {one.opens_at for one in waits if one.opens_at})
    return DONE


def _guarded(work: Callable[[], Result | Exception]) -> Result | Exception:
    """What is written for other messages is counted, whatever happens here."""
    try:
        return work()
    except Exception as error:
        return error


def without_write(message: Message | None, now: datetime) -> Result | None:
    """The result of a task whose message needs no write; None if it has no final status and no attempt in progress."""
    if message is None or message.is_final:
        return DONE
    if not message.is_claimed(now):
        return None
    return Result(delay=max(1, int((message.claimed_until or 0) - now.timestamp()) + 1))


def _change(services: Services, unposted: Unposted, message: Message, now: datetime) -> MessageChange | None:
    if _is_doubtful(services, message, now):
        return closing(message, UNKNOWN, NO_ANSWER)
    if unposted.status is None:
        return awaiting_hours(message, unposted.timezone)
    return closing(message, unposted.status, unposted.error)


def _is_doubtful(services: Services, message: Message, now: datetime) -> bool:
    """An attempt ended without an answer, and the gateway does not make a repetition safe."""
    return services.settings.routes.leave_in_doubt(message, now)


def _result(
    services: Services, unposted: Unposted, change: MessageChange, written: bool | Exception
) -> Result | Exception:
    if isinstance(written, Exception):
        return written
    if not written:
        return after_lost_write(services, unposted.key)
    after = change.after
    return Result(after.status, error=after.last_error, timezone=after.timezone) if after.is_final else DONE
