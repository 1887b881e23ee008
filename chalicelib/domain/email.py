"""A letter: what is sent, and what a mailbox shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Attachment:
    """`kind`: the media type, such as text/csv."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True)
class Email:
    """The same said in HTML and in plain text, for whoever reads only one of them."""

    sender: str
    recipients: tuple[str, ...]
    subject: str
    html: str
    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class SentEmail:
    """A letter that was sent on the local stack, as far as it is kept there: without what was attached."""

    sent_at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    html: str
    text: str
