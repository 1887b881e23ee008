"""An email: what the service sends, and what a mailbox shows."""

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
    """`html` and `text` have the same content: mail programs show one of them."""

    sender: str
    recipients: tuple[str, ...]
    subject: str
    html: str
    text: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class SentEmail:
    """A sent email as the local stack keeps it: without attachments."""

    sent_at: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    html: str
    text: str
