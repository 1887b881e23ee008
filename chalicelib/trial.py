"""One text to one number, before a mailing goes to everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .domain.gateway_result import Outcome, read_answer
from .domain.record import Author

if TYPE_CHECKING:
    from .adapters.outside import Outside

TRIAL_ID = "trial_id"
"""Counts from 1 and stays below the ids of messages, which begin with their mailing's."""

TRIED = "tried"


def send_trial(outside: Outside, phone_number: str, message_text: str, author: Author) -> Outcome:
    """One post by hand, recorded before it is made; whatever comes of it, it is not repeated."""
    number = outside.counters.next_id(TRIAL_ID)
    after = {"phone_number": phone_number, "message_text": message_text}
    outside.audit.add(author.record("trial", number, None, after, TRIED))
    answer = outside.gateway.post(number, phone_number, message_text, outside.settings.gateway_timeout)
    return read_answer(answer, outside.clock.now())
