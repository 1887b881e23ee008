"""One text to one number, before a mailing goes to everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.client import Client
from ..domain.gateway_result import Outcome, read_answer
from ..domain.record import Author
from ..domain.template import NO_TEXT, fill, has_fields
from ..errors import BadInput
from .placeholders import require_known_fields

if TYPE_CHECKING:
    from ..adapters.outside import Outside

TRIAL_ID = "trial_id"
"""Counts from 1 and stays below the ids of messages, which begin with their mailing's."""

TRIED = "tried"


def send_trial(outside: Outside, phone_number: str, message_text: str, author: Author) -> Outcome:
    """One post by hand, recorded before it is made; whatever comes of it, it is not repeated.

    Fields are filled in for the client who has the number, or as for one who has nothing. Raises BadInput when a field
    is not known, or the number is on the stop list.
    """
    require_known_fields(outside, message_text)
    if outside.clients.stop_of(phone_number):
        raise BadInput({"trial_phone": ["Who has this number has opted out: nothing is sent to it."]})
    client = outside.clients.find_by_phone(phone_number) if has_fields(message_text) else None
    text = fill(message_text, client or Client(0, phone_number))
    if not text.strip():
        raise BadInput({"message_text": [NO_TEXT]})
    number = outside.counters.next_id(TRIAL_ID)
    after = {"phone_number": phone_number, "message_text": text}
    outside.audit.add(author.record("trial", number, None, after, TRIED))
    answer = outside.gateway.post(number, phone_number, text, outside.settings.gateway_timeout)
    return read_answer(answer, outside.clock.now())
