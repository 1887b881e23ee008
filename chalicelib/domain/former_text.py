"""The texts that a mailing had before they were changed: what a client got does not change with the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..errors import BadInput
from ..texts import Text

MAX_FORMER_TEXTS = 5
"""They are in the row of the mailing. Each batch of senders writes it, and DynamoDB charges a write by its size."""


@dataclass(frozen=True)
class FormerText:
    """The text of messages that were sent before `until`."""

    until: datetime
    text: str


FormerTexts = tuple[FormerText, ...]


def add_former_text(former: FormerTexts, text: str, now: datetime) -> FormerTexts:
    """Raises BadInput if the text was changed too often."""
    if len(former) == MAX_FORMER_TEXTS:
        raise BadInput({"message_text": [Text("mailing.texts_changed", most=MAX_FORMER_TEXTS)]})
    return (*former, FormerText(now, text))


def text_at(moment: datetime | None, former: Sequence[FormerText], text: str) -> str:
    """What was sent at this moment. None: `text`, which a message that waits will have.

    A sender reads the text up to two seconds before it posts.
    """
    return next((one.text for one in former if moment is not None and moment < one.until), text)
