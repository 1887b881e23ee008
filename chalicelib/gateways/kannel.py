"""Kannel's sendsms interface. docs/gateways/kannel.md."""

from __future__ import annotations

from datetime import datetime

from ..domain.outcome import Kind, Outcome
from ..domain.sms import is_gsm
from .answer import Answer, outcome_by_phrase
from .port import Capabilities, Options, Request, Sms, whole_lifetime

CAPABILITIES = Capabilities(key_form="USERNAME:PASSWORD", calls_back=True)

MINUTE = 60
MOST_MINUTES = 72 * 60
"""An SMS centre may refuse a longer one. Kannel itself has no limit."""

GSM_CODING, UCS2_CODING = "0", "2"

FINAL_STATUSES = "19"
"""Delivered, not delivered and rejected by the SMS centre: 1, 2 and 16."""

PHRASES: dict[int | None, dict[str, Kind]] = {
    202: {
        "0: Accepted for delivery": Kind.ACCEPTED,
        "3: Queued for later delivery": Kind.ACCEPTED,
        "Sent.": Kind.ACCEPTED,  # with immediate-sendsms-reply
    },
    400: {"Sender missing": Kind.SENDER, "content-type": Kind.SENDER},
    403: {"Not routable": Kind.PERMANENT, "Authorization failed": Kind.CREDENTIALS},
    415: {"Unsupported content-type": Kind.SENDER},
    503: {"Temporal failure": Kind.TEMPORARY},
}
"""By status. Source: gw/smsbox.c of Kannel (2014). Any other 400 refuses this message: its number or its text."""


class Kannel:
    def __init__(self, options: Options) -> None:
        self._url = options.url
        self._callback = options.callback

    def request(self, sms: Sms, secret: str) -> Request:
        """Kannel reads no form in a body, and writes the address of a GET with all its fields to its log."""
        username, password = CAPABILITIES.parts_of(secret)
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Kannel-Username": _header(username),
            "X-Kannel-Password": _header(password),
            "X-Kannel-To": sms.phone_number,
            "X-Kannel-Coding": GSM_CODING if is_gsm(sms.text) else UCS2_CODING,
        }
        if sms.sender:
            headers["X-Kannel-From"] = sms.sender
        minutes = whole_lifetime(sms.lifetime, MINUTE, least=1, most=MOST_MINUTES)
        if minutes is not None:
            headers["X-Kannel-Validity"] = str(minutes)
        if self._callback:
            headers["X-Kannel-DLR-Mask"] = FINAL_STATUSES
            headers["X-Kannel-DLR-Url"] = f"{self._callback(sms.id)}&status=%d"
        return Request(f"{self._url}/cgi-bin/sendsms", sms.text.encode(), headers)

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        """Only 202 with a phrase of Kannel is a success. It has no codes."""
        return outcome_by_phrase(PHRASES.get(answer.status, {}), answer, now)


make_adapter = Kannel


def _header(text: str) -> str:
    """Its bytes in UTF-8, as the text that http.client sends as these bytes."""
    return text.encode().decode("latin-1")
