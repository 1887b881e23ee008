"""The history of a client: its messages in all mailings, the newest mailing first.

The key of a message is made of the ids of its mailing and its client, so the messages of one client are read by their
keys: a hundred mailings take two calls, however many clients they have, and no index is needed. A client that got few
of them is looked for in more and more mailings at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..adapters.newest import list_newest
from ..domain.mailing import MAILING_ID
from ..domain.mailing_outline import MailingOutline
from ..domain.message import Message
from ..domain.walk import IDS_A_READ, HasTime, groups_of

if TYPE_CHECKING:
    from ..adapters.services import Services


HUNDREDS_AT_ONCE = 8


@dataclass(frozen=True)
class MailedMessage:
    """A message with its mailing, which has the text and the time."""

    mailing: MailingOutline
    message: Message


def list_history(
    services: Services, client_id: int, below: int | None, limit: int, has_time: HasTime | None = None
) -> tuple[list[MailedMessage], int | None]:
    """A page, and the `below` of the next one; None at the end. The client may be deleted.

    Messages of deleted mailings are missing. Without time, or after 5,000 mailings, the page is short. `has_time`: by
    default six seconds.
    """
    read = partial(_read_at_once, services, client_id)
    return list_newest(services, MAILING_ID, read, below, limit, has_time, HUNDREDS_AT_ONCE * IDS_A_READ)


def _read_at_once(services: Services, client_id: int, mailing_ids: Sequence[int]) -> dict[int, MailedMessage]:
    hundreds = groups_of(mailing_ids, IDS_A_READ)
    with services.thread_pool(len(hundreds)) as threads:
        found = threads.map(partial(messages_of_client, services, client_id), hundreds)
    return {mailing_id: mailed for part in found for mailing_id, mailed in part.items()}


def messages_of_client(services: Services, client_id: int, mailing_ids: Sequence[int]) -> dict[int, MailedMessage]:
    """The client's messages in these mailings, by mailing id. Two calls for a hundred mailings."""
    mailings = services.mailings.outlines(mailing_ids)
    keys = [key for mailing in mailings.values() if (key := mailing.key_of(client_id))]
    messages = services.messages.of_client(keys)
    return {mailing_id: MailedMessage(mailings[mailing_id], message) for mailing_id, message in messages.items()}
