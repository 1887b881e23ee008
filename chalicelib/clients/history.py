"""The history of a client: its messages in all mailings, the newest mailing first.

The key of a message is made of the ids of its mailing and its client, so the messages of one client are read by their
keys: a hundred mailings take two calls, however many clients they have, and no index is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..domain.mailing import MAILING_ID, Mailing
from ..domain.message import Message
from ..domain.walk import LIST_SECONDS, HasTime, time_limit, walk_down

if TYPE_CHECKING:
    from ..adapters.services import Services


@dataclass(frozen=True)
class MailedMessage:
    """A message with its mailing, which has the text and the time."""

    mailing: Mailing
    message: Message


def list_history(
    services: Services, client_id: int, below: int | None, limit: int, has_time: HasTime | None = None
) -> tuple[list[MailedMessage], int | None]:
    """A page, and the `below` of the next one; None at the end. The client may be deleted.

    Messages of deleted mailings are missing. Without time, or after 5,000 mailings, the page is short. `has_time`: by
    default six seconds.
    """
    below = services.counters.last_id(MAILING_ID) + 1 if below is None else below
    found, next_below = walk_down(
        lambda mailing_ids: messages_of_client(services, client_id, mailing_ids),
        below,
        limit,
        has_time or time_limit(services.clock.now, LIST_SECONDS),
    )
    return [mailed for _, mailed in found], next_below


def messages_of_client(services: Services, client_id: int, mailing_ids: Iterable[int]) -> dict[int, MailedMessage]:
    """The client's messages in these mailings, by mailing id. Two calls for a hundred mailings."""
    mailings = services.mailings.get_many(mailing_ids)
    may_have = [mailing for mailing in mailings.values() if _may_reach(mailing, client_id)]
    messages = services.messages.of_client(mailing.message_key(client_id) for mailing in may_have)
    return {mailing_id: MailedMessage(mailings[mailing_id], message) for mailing_id, message in messages.items()}


def _may_reach(mailing: Mailing, client_id: int) -> bool:
    """The mailing has started, and the client was registered before."""
    return mailing.plan is not None and client_id <= mailing.plan.last_client_id
