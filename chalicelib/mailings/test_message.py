"""Send a test message: one text to one phone number, outside any mailing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.audit_record import Author
from ..domain.client import Client, operator_code_of
from ..domain.outcome import Outcome
from ..domain.template import fill, filled_error, has_placeholders
from ..errors import BadInput
from ..gateways.port import Sms
from ..texts import Text
from .placeholders import require_known_placeholders
from .sender_name import require_usable_sender

if TYPE_CHECKING:
    from ..adapters.services import Services

TEST_MESSAGE_ID = "test_message_id"
"""The counter of test messages. Its ids stay below the ids of messages, which start at 10¹⁰."""

TRIED = "tried"


def advice_after(outcome: Outcome) -> Text | None:
    """What a person does after a test message with this outcome, by its kind alone. None if the gateway has it."""
    return None if outcome.sent else Text(f"after_test.{outcome.kind.value}")


def send_test_message(
    services: Services, phone_number: str, message_text: str, author: Author, sender: str = ""
) -> Outcome:
    """Write the audit record, then post once. There is no retry, whatever the outcome is, and no consequence: nobody is
    opted out, and nothing pauses. A person has asked, reads the outcome, and decides.

    The record has the text with its placeholders and not with the values of a client.

    Placeholders get the values of the client with this number; without such a client they are blank. Raises BadInput
    for an unknown placeholder, a text that is empty or too long, a sender that the gateway would ignore, or a number on
    the stop list.
    """
    require_known_placeholders(services, message_text)
    require_usable_sender(services, sender)
    if services.clients.stop_of(phone_number) or services.clients.erased_among([phone_number]):
        raise BadInput({"test_phone": [Text("test_message.opted_out")]})
    client = services.clients.find_by_phone(phone_number) if has_placeholders(message_text) else None
    text = fill(message_text, client or Client(0, phone_number))
    if error := filled_error(text):
        raise BadInput({"message_text": [error]})
    number = services.counters.next_id(TEST_MESSAGE_ID)
    after = {"phone_number": phone_number, "message_text": message_text}
    services.audit.add(author.record("test_message", number, None, after, TRIED))
    settings = services.settings
    name = settings.routes.of(operator_code_of(phone_number))[0]
    sms = Sms(number, phone_number, text, sender or settings.gateway_by_name[name].sender)
    return services.gateway.post(name, sms, settings.gateway_timeout)
