"""Jasmin's HTTP API. docs/gateways/jasmin.md."""

from __future__ import annotations

from datetime import datetime

from ..domain.outcome import Kind, Outcome
from ..domain.sms import is_gsm
from ..errors import BadSettings
from .answer import Answer, outcome_by_phrase
from .port import Capabilities, Options, Request, Sms, form_request, whole_lifetime

CAPABILITIES = Capabilities(key_form="USERNAME:PASSWORD", options=("validity",), calls_back=True)

MINUTE = 60
MOST_MINUTES = 72 * 60
"""An SMS centre may refuse a longer one. Jasmin itself has no limit."""

GSM_CODING, UCS2_CODING = "0", "8"

ALL_LEVELS = "3"
"""Receipts of the SMS centre, which may refuse the message, and of the recipient's phone."""

PHRASES: dict[int | None, dict[str, Kind]] = {
    200: {'Success "': Kind.ACCEPTED},
    400: {
        "destination_address filter": Kind.PERMANENT,
        "content filter": Kind.PERMANENT,
        "filter mismatch": Kind.SENDER,  # of the sender, the priority or the lifetime
        "Authorization failed": Kind.SENDER,  # the user may not set the sender, the lifetime, a long text, ...
        "Argument [username]": Kind.CREDENTIALS,  # longer than Jasmin takes
        "Argument [password]": Kind.CREDENTIALS,
        "is unknown": Kind.SENDER,  # an argument that this version does not have
        "Failed running interception": Kind.SENDER,
    },
    403: {
        "Authentication failure": Kind.CREDENTIALS,
        "Cannot charge submit_sm": Kind.BALANCE,
        "User throughput exceeded": Kind.THROTTLED,
    },
    412: {
        "No route": Kind.PERMANENT,
        "": Kind.TEMPORARY,  # no connector is bound: surely not taken
    },
    503: {"InterceptorPB not": Kind.TEMPORARY},
}
"""By status; the empty phrase is in any body. Source: jasmin/protocols/http. Any other 400 refuses this message."""


class Jasmin:
    def __init__(self, options: Options) -> None:
        self._url = options.url
        self._callback = options.callback
        validity = options.values.get("validity", False)
        if not isinstance(validity, bool):
            raise BadSettings("GATEWAY_OPTIONS: validity: true or false is expected")
        self._sends_validity = validity

    def request(self, sms: Sms, secret: str) -> Request:
        """Jasmin would send a text with coding 8 as it is, in UTF-8: hex-content has it in UTF-16."""
        username, password = CAPABILITIES.parts_of(secret)
        fields = {"username": username, "password": password, "to": sms.phone_number}
        if is_gsm(sms.text):
            fields |= {"coding": GSM_CODING, "content": sms.text}
        else:
            fields |= {"coding": UCS2_CODING, "hex-content": sms.text.encode("utf-16-be").hex()}
        if sms.sender:
            fields["from"] = sms.sender
        minutes = whole_lifetime(sms.lifetime, MINUTE, least=1, most=MOST_MINUTES)
        if minutes is not None and self._sends_validity:
            fields["validity-period"] = str(minutes)
        if self._callback:
            fields |= {"dlr": "yes", "dlr-level": ALL_LEVELS, "dlr-method": "POST", "dlr-url": self._callback(sms.id)}
        return form_request(f"{self._url}/send", fields)

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        """Jasmin answers in words: one status has several meanings."""
        return outcome_by_phrase(PHRASES.get(answer.status, {}), answer, now)


make_adapter = Jasmin
