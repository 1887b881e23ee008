"""Twilio, Programmable Messaging. docs/gateways/twilio.md."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from ..domain.outcome import Kind, Outcome
from .answer import Answer, accepted, json_of, outcome_by_code, outcome_of_code, outcome_of_status
from .port import Capabilities, Options, Request, Sms, basic, form_request, whole_lifetime

CAPABILITIES = Capabilities(
    url="https://api.twilio.com",
    key_form="ACCOUNT_SID:AUTH_TOKEN",
    needs_sender=True,
    options=("account_sid",),
    calls_back=True,
)

LONGEST_LIFETIME = 36_000
"""Seconds."""

SERVICE_SID_LENGTH = 34
"""Of the id of a messaging service: MG and 32 hexadecimal digits. A sender name has at most 11 characters."""

TAKEN_STATUSES = {"accepted", "delivered", "queued", "scheduled", "sending", "sent"}
FAILED_STATUSES = {"canceled", "failed", "undelivered"}

KINDS = {
    10001: Kind.CREDENTIALS,  # the account is not active
    10002: Kind.SENDER,  # not for a trial account
    20003: Kind.CREDENTIALS,
    20005: Kind.CREDENTIALS,
    20403: Kind.CREDENTIALS,
    20404: Kind.CREDENTIALS,  # of this address: there is no such account
    20423: Kind.CREDENTIALS,
    20429: Kind.THROTTLED,  # "never processed" by its documentation
    20500: Kind.AMBIGUOUS,
    20503: Kind.AMBIGUOUS,
    20504: Kind.AMBIGUOUS,
    21211: Kind.PERMANENT,
    21212: Kind.SENDER,
    21214: Kind.PERMANENT,
    21217: Kind.PERMANENT,
    21219: Kind.SENDER,  # a trial account sends to verified numbers only
    21264: Kind.SENDER,
    21265: Kind.PERMANENT,
    21266: Kind.PERMANENT,
    21267: Kind.SENDER,
    21268: Kind.PERMANENT,
    21408: Kind.PERMANENT,  # the region is not enabled: other recipients are not concerned
    21601: Kind.SENDER,
    21602: Kind.PERMANENT,
    21603: Kind.SENDER,
    21604: Kind.PERMANENT,
    21606: Kind.SENDER,
    21607: Kind.SENDER,
    21608: Kind.SENDER,  # a trial account sends to verified numbers only
    21609: Kind.SENDER,  # RECEIPTS_URL is none that Twilio can call, for all messages
    21610: Kind.OPTED_OUT,
    21611: Kind.THROTTLED,  # the queue of this sender is full
    21612: Kind.PERMANENT,
    21614: Kind.PERMANENT,
    21616: Kind.SENDER,
    21617: Kind.PERMANENT,
    21618: Kind.PERMANENT,
    21619: Kind.PERMANENT,
    21624: Kind.SENDER,  # the lifetime of all messages of a mailing is the same
    21635: Kind.PERMANENT,
    21657: Kind.SENDER,
    21659: Kind.SENDER,
    21660: Kind.SENDER,
    21661: Kind.SENDER,
    21662: Kind.SENDER,
    21663: Kind.SENDER,
    21668: Kind.SENDER,
    21701: Kind.SENDER,
    21702: Kind.SENDER,
    21703: Kind.SENDER,
    21704: Kind.SENDER,
    21705: Kind.SENDER,
    63017: Kind.THROTTLED,
    63018: Kind.THROTTLED,
    63038: Kind.BALANCE,  # the daily limit of the account
}
"""Source: https://www.twilio.com/docs/api/errors"""


class Twilio:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._callback = options.callback

    def request(self, sms: Sms, secret: str) -> Request:
        fields = {"To": f"+{sms.phone_number}", "Body": sms.text, **_sender(sms.sender)}
        seconds = whole_lifetime(sms.lifetime, unit=1, least=1, most=LONGEST_LIFETIME)
        if seconds is not None:
            fields["ValidityPeriod"] = str(seconds)
        if self._callback:
            fields["StatusCallback"] = self._callback(sms.id)
        return form_request(f"{account_url(self._options, secret)}/Messages.json", fields, basic(secret))

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        """A code decides before the status. An unknown one with 400 refuses this message: Twilio did not create it."""
        body = json_of(answer)
        if answer.status in (200, 201):
            return _outcome_of_message(answer, body, now)
        code = body.get("code")
        if not isinstance(code, int) or answer.status is None or answer.status < 400:
            return outcome_of_status(answer, now)
        kind = KINDS.get(code, Kind.PERMANENT if answer.status == 400 else None)
        return outcome_by_code(kind, answer, code, now)


make_adapter = Twilio


def account_url(options: Options, secret: str) -> str:
    """The user is the account, or an API key if the option `account_sid` names the account."""
    user, _ = CAPABILITIES.parts_of(secret)
    account = str(options.values.get("account_sid", "")) or user
    return f"{options.url}/2010-04-01/Accounts/{quote(account, safe='')}"


def _sender(sender: str) -> dict[str, str]:
    is_service = len(sender) == SERVICE_SID_LENGTH and sender.startswith("MG")
    return {"MessagingServiceSid" if is_service else "From": sender} if sender else {}


def _outcome_of_message(answer: Answer, body: dict[str, Any], now: datetime) -> Outcome:
    status, code = str(body.get("status")), body.get("error_code")
    if body.get("sid") and status in TAKEN_STATUSES:
        return accepted(body.get("num_segments"))
    if body.get("sid") and status in FAILED_STATUSES:
        return outcome_of_code(Kind.PERMANENT, answer, code if isinstance(code, int) else status)
    return outcome_of_status(answer, now)
