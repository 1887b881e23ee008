"""The test message of a form, and of the check of a draft."""

from __future__ import annotations

from collections.abc import Mapping

from ..domain.outcome import Outcome
from ..field_rules import phone_number
from ..fields import MAILING
from ..mailings.test_message import send_test_message
from ..rules import Field, read_fields
from .page_requests import PageRequest

TEST_MESSAGE = {
    "test_phone": Field(phone_number, "The phone number of the test message.", required=True),
    "message_text": MAILING["message_text"],
    "sender": MAILING["sender"],
}


def try_message(request: PageRequest, values: Mapping[str, object]) -> Outcome:
    """Sends the text of the form to the phone number that is typed. Raises BadInput."""
    written = {name: values[name] for name in ("message_text", "sender")}
    fields = read_fields({"test_phone": request.field("test_phone"), **written}, TEST_MESSAGE, set(), partial=False)
    phone, text, sender = (str(fields[name]) for name in TEST_MESSAGE)
    return send_test_message(request.services, phone, text, request.author, sender)
