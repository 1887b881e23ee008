"""One text to one number, before a mailing goes to everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.audit_record import Author
from ..domain.client import Client
from ..domain.gateway_result import Outcome, read_answer
from ..domain.template import NO_TEXT, fill, has_placeholders
from ..errors import BadInput
from .placeholders import require_known_placeholders

if TYPE_CHECKING:
    from ..adapters.services import Services

TEST_MESSAGE_ID = "test_message_id"
"""Counts from 1 and stays below the ids of messages, which begin with their mailing's."""

TRIED = "tried"


def send_test_message(services: Services, phone_number: str, message_text: str, author: Author) -> Outcome:
    """One post by hand, recorded before it is made; whatever comes of it, it is not repeated.

    Fields are filled in for the client who has the number, or as for one who has nothing. Raises BadInput when a field
    is not known, or the number is on the stop list.
    """
    require_known_placeholders(services, message_text)
    if services.clients.stop_of(phone_number):
        raise BadInput({"test_phone": ["Who has this number has opted out: nothing is sent to it."]})
    client = services.clients.find_by_phone(phone_number) if has_placeholders(message_text) else None
    text = fill(message_text, client or Client(0, phone_number))
    if not text.strip():
        raise BadInput({"message_text": [NO_TEXT]})
    number = services.counters.next_id(TEST_MESSAGE_ID)
    after = {"phone_number": phone_number, "message_text": text}
    services.audit.add(author.record("test_message", number, None, after, TRIED))
    answer = services.gateway.post(number, phone_number, text, services.settings.gateway_timeout)
    return read_answer(answer, services.clock.now())
