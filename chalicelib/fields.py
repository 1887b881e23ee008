"""The fields of requests, with rules and descriptions: of a client, a mailing, a resend and a delivery receipt."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from .condition_rules import MAX_MAILING_ID, condition, required_condition
from .domain.canary import DEFAULT_ERROR_RATE, MAX_CANARY_SIZE
from .domain.client import (
    GIVEN_FIELDS,
    MAX_ATTRIBUTES,
    MAX_LABEL,
    OPERATOR_CODE,
    SERVICE_FIELDS,
    STANDARD_PLACEHOLDERS,
    attributes_error,
    is_attribute_name,
)
from .domain.consent import MAX_TEXT, PURPOSES
from .domain.erasure import phones_in
from .domain.filter import MAX_TAGS, MAX_TAGS_SIZE
from .domain.mailing import MAX_RATE
from .domain.message import RESENDABLE
from .domain.phone import is_rounded, meant_phone
from .domain.receipt import RECEIPT_STATUSES, clean_reason
from .domain.segment import MAX_NAME
from .domain.sms import MAX_CHARACTERS, MAX_PARTS, SENDER, length_error
from .domain.stop import MAX_REASON
from .domain.unicode_text import compose
from .errors import WrongValue
from .rules import (
    Field,
    amount,
    choices,
    label,
    label_up_to,
    listed,
    moment,
    moment_or_none,
    not_blank,
    number_up_to,
    one_of,
    optional_moment,
    rule,
    text,
    time_of_day,
)
from .texts import Text, both, either
from .zones import is_zone, meant_zone


@rule(
    anyOf=[
        {"type": "string", "pattern": r"^(\+?7|8)? ?\(?9[0-9]{2}\)?( ?[0-9]){3}([ -]?[0-9]{2}){2}$"},
        {"type": "integer", "minimum": 79 * 10**9, "maximum": 80 * 10**9 - 1},
    ],
    examples=["79774053329", "8 (977) 405-33-29"],
)
def phone_number(sent: object) -> str:
    """As 79XXXXXXXXX, however it is written."""
    value = not_blank(str(sent) if type(sent) is int else sent)
    if phone := meant_phone(value):
        return phone
    raise WrongValue(Text("client.phone_rounded") if is_rounded(value) else Text("client.phone_number"))


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
        if meant := meant_zone(value):
            raise WrongValue(Text("client.timezone_meant", name=value[:64], meant=meant))
        raise WrongValue(Text("client.timezone", name=value[:64]))
    return value


@rule(
    anyOf=[
        {
            "type": ["object", "null"],
            "maxProperties": MAX_ATTRIBUTES,
            "additionalProperties": {"type": ["string", "null"], "maxLength": MAX_LABEL},
        },
        {"type": "string", "description": "In a form: the same object as JSON"},
    ],
    examples=[{"имя": "Анна", "город": "Омск"}],
)
def attributes(sent: object) -> dict[str, str]:
    """Leaves out blank and null values. A blank or null `sent` means no attributes."""
    given = _object(sent)
    composed = _unique([(compose(name).strip(), value) for name, value in given.items()])
    found = {name: _attribute(name, value) for name, value in composed.items()}
    kept = {name: value for name, value in found.items() if value}
    if error := attributes_error(kept):
        raise WrongValue(error)
    return kept


@rule(type="string", minLength=1, maxLength=MAX_CHARACTERS, examples=["Здравствуйте!"])
def message_text(sent: object) -> str:
    """The length counts as written, with the placeholders. The sender checks the length of each filled-in text."""
    value = not_blank(sent)
    if error := length_error(value):
        raise WrongValue(error)
    return value


@rule(type=["string", "null"], pattern=f"^({SENDER.pattern})?$", examples=["SHOP"])
def sender(sent: object) -> str:
    """A name or number; blank or null: none."""
    value = "" if sent is None else text(sent)
    if value and not SENDER.fullmatch(value):
        raise WrongValue(Text("mailing.sender"))
    return value


@rule(type=["string", "null"], examples=["тег1,тег3"])
def tags(sent: object) -> tuple[str, ...]:
    def read_tag(tag: str) -> str:
        if len(tag) > MAX_LABEL:
            raise WrongValue(Text("mailing.tag_too_long", most=MAX_LABEL))
        return tag

    found = listed(sent, read_tag, "тег1,тег3")
    if len(found) > MAX_TAGS or sum(len(tag.encode()) for tag in found) > MAX_TAGS_SIZE:
        raise WrongValue(Text("mailing.too_many_tags", most=MAX_TAGS, size=MAX_TAGS_SIZE // 1024))
    return found


@rule(
    type=["string", "null"],
    pattern=f"^( *{OPERATOR_CODE.pattern} *(, *{OPERATOR_CODE.pattern} *)*)?$",
    examples=["977,921,925"],
)
def operator_codes(sent: object) -> tuple[str, ...]:
    def read_code(code: str) -> str:
        if not OPERATOR_CODE.fullmatch(code):
            raise WrongValue(Text("mailing.operator_code", given=code[:16]))
        return code

    return listed(sent, read_code, "977,921,925")


@rule(
    anyOf=[{"type": "integer"}, {"type": "string", "pattern": "^[0-9]{1,19}$"}],
    examples=[120000000345, "120000000345"],
)
def message_id(sent: object) -> int:
    """An integer, or a string of digits: some languages round an integer of this size."""
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


@rule(type=["string", "null"], maxLength=MAX_REASON, examples=["asked by phone"])
def stop_reason(sent: object) -> str | None:
    """One line without a phone number: reasons are shown and exported, and an erasure does not look into them."""
    value = "" if sent is None else text(sent)
    if len(value) > MAX_REASON or len(value.splitlines()) > 1:
        raise WrongValue(Text("stop.reason", most=MAX_REASON))
    if phones_in(value):
        raise WrongValue(Text("stop.reason_with_phone"))
    return value or None


SUBSCRIBED = ("subscribed", "active", "enabled", "confirmed", "подписан", "активен")
UNSUBSCRIBED = ("unsubscribed", "opted out", "stopped", "отписан", "отписался")


@rule(enum=[*SUBSCRIBED, *UNSUBSCRIBED, ""], examples=["unsubscribed"])
def is_subscribed(sent: object) -> bool:
    """Whether the person gets messages, in the words of other senders. Blank: yes."""
    value = text(sent)
    words = re.sub(r"[\W_]+", " ", value).strip().casefold()
    if words and words not in (*SUBSCRIBED, *UNSUBSCRIBED):
        raise WrongValue(Text("client.status", given=value[:32], choices=", ".join((*SUBSCRIBED, *UNSUBSCRIBED))))
    return words not in UNSUBSCRIBED


def _object(sent: object) -> dict[str, object]:
    expected = Text("attributes.not_an_object")
    if sent is None or (isinstance(sent, str) and not sent.strip()):
        return {}
    try:
        given = json.loads(sent, object_pairs_hook=_unique) if isinstance(sent, str) else sent
    except WrongValue:
        raise
    except (ValueError, RecursionError) as error:
        raise WrongValue(expected) from error
    if not isinstance(given, dict):
        raise WrongValue(expected)
    return given


def _unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in found if names.count(name) > 1)
        raise WrongValue(Text("attributes.within", name=repeated[:32], error=Text("field.repeated")))
    return found


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
    "phone_number": Field(
        phone_number,
        "79XXXXXXXXX, also as people write it: 8 (977) 405-33-29. Unique among the clients.",
        required=True,
    ),
    "tag": Field(tag, "One free label; blank or null: none."),
    "timezone": Field(timezone, "A name in `common_timezones` of pytz."),
    "consent_at": Field(moment_or_none, "When the client consented to marketing; blank or null: no consent."),
    "consent_source": Field(
        label_up_to(MAX_LABEL, "form on shop.example"), "Where: a form, a shop, a contract; blank or null: none."
    ),
    "consent_text": Field(
        label_up_to(MAX_TEXT, "Согласен на рекламу по SMS"), "What the client agreed to; blank or null: none."
    ),
    "consent_withdrawn_at": Field(
        moment_or_none, "When the client withdrew it. A consent that is not newer does not count; blank or null: never."
    ),
    "attributes": Field(attributes, "Values for placeholders, by name. A change replaces all attributes."),
}

CLIENT = {name: CLIENT_RULES.get(name, Field(label, "A short text; blank or null: none.")) for name in GIVEN_FIELDS}
"""The fields of a client. A field that is not in CLIENT_RULES is a short text."""

PHONE_NUMBER = {"phone_number": CLIENT["phone_number"]}
"""Of requests about a phone number, with or without a client."""

STOP = {
    **PHONE_NUMBER,
    "reason": Field(stop_reason, "Why, in a few words without a phone number; blank or null: none."),
    "opted_out_at": Field(optional_moment, "Since when; now if not given. A stop that exists keeps its time."),
}
STOP_READ_ONLY = {"source", "client_id"}

CLIENT_READ_ONLY = {"operator_code", *SERVICE_FIELDS}

MAILING = {
    "datetime_start": Field(
        moment, "If it is past, sending starts at once. UTC without an offset (`+` or a space).", required=True
    ),
    "datetime_end": Field(
        moment, "Nothing is sent after it. It is later than the start, unless both are past.", required=True
    ),
    "message_text": Field(
        message_text,
        f"The text to send, at most {MAX_PARTS} SMS parts. {{name}} is replaced by a value of the client.",
        required=True,
    ),
    "purpose": Field(one_of(PURPOSES), "Marketing may need the client's consent; blank or null: service."),
    "sender": Field(
        sender, "The name or number that recipients see; blank or null: that of the setting GATEWAY_SENDER."
    ),
    "filter_tag": Field(tags, f"At most {MAX_TAGS} tags, separated by commas. The client has one of them."),
    "filter_op_codes": Field(operator_codes, "Operator codes separated by commas. The client has one of them."),
    "filter": Field(
        condition, "A condition on clients, beside `filter_tag` and `filter_op_codes`; blank or null: none."
    ),
    "segment": Field(
        number_up_to(MAX_MAILING_ID, 3),
        "The id of a segment. The client has to meet its condition too, as it is at the start; blank or null: none.",
    ),
    "time_from": Field(time_of_day, "The start of the local hours, in the client's time zone."),
    "time_to": Field(
        time_of_day, "The end of the local hours. Before time_from: over midnight. Both or neither (blank or null)."
    ),
    "rate_limit": Field(number_up_to(MAX_RATE, 100), "The most messages a second; blank or null: no limit."),
    "max_cost": Field(
        amount,
        "What the texts may cost at GATEWAY_PRICE: the mailing pauses before it costs more. Blank or null: no limit.",
    ),
    "canary": Field(
        number_up_to(MAX_CANARY_SIZE, 100),
        "How many messages are sent first. The others wait for their outcome; blank or null: no canary.",
    ),
    "max_error_rate": Field(
        number_up_to(100, 5, least=0),
        f"Percent of failed canary messages above which the mailing pauses; {DEFAULT_ERROR_RATE} if not given.",
    ),
}

MAILING_READ_ONLY = {"id", "status", "paused_because", "series_id", "warnings"}


@rule(type="string", minLength=1, maxLength=MAX_NAME, examples=["Постоянные клиенты"])
def segment_name(sent: object) -> str:
    value = not_blank(sent)
    if len(value) > MAX_NAME:
        raise WrongValue(Text("field.too_long", most=MAX_NAME))
    return value


SEGMENT = {
    "name": Field(segment_name, "A name for people; it need not be unique.", required=True),
    "filter": Field(required_condition, "The condition on clients: docs/AUDIENCE.md describes it.", required=True),
}
SEGMENT_READ_ONLY = {"id"}

RESEND = {"statuses": Field(choices(RESENDABLE), "The statuses of the messages to queue again.", required=True)}

RECEIPT = {
    "id": Field(message_id, "The message id that the gateway received.", required=True),
    "status": Field(reported_status, "The reported status. `delivered` is final.", required=True),
    "reason": Field(reason, "Why the message was not delivered, for people."),
    "at": Field(optional_moment, "The time of the delivery or of its failure; now if not given."),
}
