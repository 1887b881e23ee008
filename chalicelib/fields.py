"""The fields that people and programs send: of a client, a mailing, an order to send again and a delivery receipt."""

from __future__ import annotations

import json
import re

from .domain.canary import MAX_CANARY_SIZE
from .domain.client import (
    GIVEN_FIELDS,
    MAX_ATTRIBUTES,
    MAX_LABEL,
    PHONE,
    SERVICE_FIELDS,
    STANDARD_PLACEHOLDERS,
    attributes_error,
    is_attribute_name,
)
from .domain.mailing import MAX_RATE
from .domain.message import RESENDABLE
from .domain.receipt import RECEIPT_STATUSES, clean_reason
from .errors import WrongValue
from .rules import (
    Field,
    choices,
    clock,
    label,
    listed,
    moment,
    moment_if_any,
    not_blank,
    number_up_to,
    required_text,
    rule,
    text,
)
from .texts import Text, both, either
from .zones import is_zone

CODE = re.compile(r"9[0-9]{2}")


@rule(
    anyOf=[
        {"type": "string", "pattern": f"^{PHONE.pattern}$"},
        {"type": "integer", "minimum": 79 * 10**9, "maximum": 80 * 10**9 - 1},
    ],
    examples=["79774053329"],
)
def phone_number(sent: object) -> str:
    given = str(sent) if type(sent) is int else sent
    value = not_blank(given)
    if value != given or not PHONE.fullmatch(value):
        raise WrongValue(Text("client.phone_number"))
    return value


@rule(type=["string", "null"], maxLength=MAX_LABEL, pattern="^[^,]*$", examples=["друзья"])
def tag(sent: object) -> object:
    value = label.read(sent)
    if isinstance(value, str) and "," in value:
        raise WrongValue(Text("client.tag_with_comma"))
    return value


@rule(type="string", minLength=1, default="UTC", examples=["Europe/Moscow"])
def timezone(sent: object) -> str:
    value = not_blank(sent)
    if not is_zone(value):
        raise WrongValue(Text("client.timezone", name=value[:64]))
    return value


@rule(
    anyOf=[
        {
            "type": ["object", "null"],
            "maxProperties": MAX_ATTRIBUTES,
            "additionalProperties": {"type": ["string", "null"], "maxLength": MAX_LABEL},
        },
        {"type": "string", "description": "In a form: the same as a text of JSON"},
    ],
    examples=[{"имя": "Анна", "город": "Омск"}],
)
def attributes(sent: object) -> dict[str, str]:
    """A value that is blank or null is as if it were not there; so are all of them when nothing is sent."""
    given = _object(sent)
    found = {name.strip(): _attribute(name.strip(), value) for name, value in given.items()}
    kept = {name: value for name, value in found.items() if value}
    if error := attributes_error(kept):
        raise WrongValue(error)
    return kept


@rule(type=["string", "null"], examples=["тег1,тег3"])
def tags(sent: object) -> tuple[str, ...]:
    def one(label: str) -> str:
        if len(label) > MAX_LABEL:
            raise WrongValue(Text("mailing.tag_too_long", most=MAX_LABEL))
        return label

    return listed(sent, one, "тег1,тег3")


@rule(type=["string", "null"], pattern=f"^( *{CODE.pattern} *(, *{CODE.pattern} *)*)?$", examples=["977,921,925"])
def operator_codes(sent: object) -> tuple[str, ...]:
    def one(code: str) -> str:
        if not CODE.fullmatch(code):
            raise WrongValue(Text("mailing.operator_code", given=code[:16]))
        return code

    return listed(sent, one, "977,921,925")


@rule(
    anyOf=[{"type": "integer"}, {"type": "string", "pattern": "^[0-9]{1,19}$"}],
    examples=[120000000345, "120000000345"],
)
def message_id(sent: object) -> int:
    """Also as a string: not every language keeps a number of this size as it is."""
    if type(sent) is int:
        return sent
    if not isinstance(sent, str) or not re.fullmatch(r"[0-9]{1,19}", sent):
        raise WrongValue(Text("receipt.message_id"))
    return int(sent)


@rule(enum=list(RECEIPT_STATUSES))
def reported_status(sent: object) -> str:
    if sent not in RECEIPT_STATUSES:
        raise WrongValue(Text("receipt.status", choices=either(RECEIPT_STATUSES)))
    return str(sent)


@rule(type=["string", "null"], examples=["absent subscriber"])
def reason(sent: object) -> str:
    return "" if sent is None else clean_reason(text(sent))


def _object(sent: object) -> dict[str, object]:
    expected = Text("attributes.not_an_object")
    if sent is None or (isinstance(sent, str) and not sent.strip()):
        return {}
    try:
        given = json.loads(sent) if isinstance(sent, str) else sent
    except (ValueError, RecursionError) as error:
        raise WrongValue(expected) from error
    if not isinstance(given, dict):
        raise WrongValue(expected)
    return given


def _attribute(name: str, sent: object) -> str:
    if not is_attribute_name(name):
        raise WrongValue(Text("attributes.name", name=name[:32], taken=both(STANDARD_PLACEHOLDERS)))
    try:
        value = "" if sent is None else text(sent)
    except WrongValue as error:
        raise WrongValue(Text("attributes.within", name=name, error=error.text)) from error
    if len(value) > MAX_LABEL or len(value.splitlines()) > 1:
        raise WrongValue(Text("attributes.value", name=name, most=MAX_LABEL))
    return value


CLIENT_RULES = {
    "phone_number": Field(phone_number, "79XXXXXXXXX; nobody else has it.", required=True),
    "tag": Field(tag, "One free label; blank or null for none."),
    "timezone": Field(timezone, "A name of pytz's common_timezones."),
    "attributes": Field(attributes, "The client's own fields for texts, by name; a change replaces all of them."),
}

CLIENT = {name: CLIENT_RULES.get(name, Field(label, "A short text; blank or null for none.")) for name in GIVEN_FIELDS}
"""A field of a client that has no rule of its own is a short text."""

CLIENT_READ_ONLY = {"operator_code", *SERVICE_FIELDS}

MAILING = {
    "datetime_start": Field(
        moment, "In the past: at once. UTC unless there is an offset (`+` or a space).", required=True
    ),
    "datetime_end": Field(
        moment, "After it nothing is sent. Later than the start, unless both are past.", required=True
    ),
    "message_text": Field(required_text, "What is sent; {name} is a field of the client.", required=True),
    "filter_tag": Field(tags, "Tags separated by commas: the client's tag is one of them."),
    "filter_op_codes": Field(operator_codes, "Operator codes separated by commas: the client's is one of them."),
    "time_from": Field(clock, "Nothing is sent to a client before this hour of the day, by the client's own clock."),
    "time_to": Field(clock, "Nor from this one on; before time_from: over midnight. Both, or neither (blank or null)."),
    "rate_limit": Field(number_up_to(MAX_RATE, 100), "Messages a second, at most; blank or null: no limit."),
    "canary": Field(number_up_to(MAX_CANARY_SIZE, 100), "So many first; the others wait until their errors are known."),
    "max_error_rate": Field(number_up_to(100, 5, least=0), "Percent: above it the mailing pauses by itself; else 10."),
}

MAILING_READ_ONLY = {"id", "status", "paused_because"}

RESEND = {"statuses": Field(choices(RESENDABLE), "Whose message ended so.", required=True)}

RECEIPT = {
    "id": Field(message_id, "That of the message, as it was posted.", required=True),
    "status": Field(reported_status, "What was delivered stays so.", required=True),
    "reason": Field(reason, "Why it was not delivered, for people."),
    "at": Field(moment_if_any, "When that was; now, unless given."),
}
