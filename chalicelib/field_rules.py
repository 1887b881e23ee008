"""Read and check the value of one field: a phone number, a tag, a text. `fields.py` says which field has which rule."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from .domain.client import (
    MAX_ATTRIBUTES,
    MAX_LABEL,
    OPERATOR_CODE,
    STANDARD_PLACEHOLDERS,
    attributes_error,
    is_attribute_name,
)
from .domain.erasure import phones_in
from .domain.filter import MAX_TAGS, MAX_TAGS_SIZE
from .domain.phone import MAX_WRITTEN, is_rounded, meant_phone
from .domain.receipt import RECEIPT_STATUSES, clean_reason
from .domain.segment import MAX_NAME
from .domain.sms import MAX_CHARACTERS, SENDER, length_error
from .domain.stop import MAX_REASON
from .domain.unicode_text import compose
from .errors import WrongValue
from .rules import (
    REPEATED,
    label,
    listed,
    not_blank,
    repeated_names,
    rule,
    text,
)
from .texts import Text, both, either
from .zones import is_zone, meant_zone


@rule(
    anyOf=[
        {"type": "string", "minLength": 10, "maxLength": MAX_WRITTEN},
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


def operator_code(sent: object) -> str:
    value = str(sent) if type(sent) is int else not_blank(sent)
    if not OPERATOR_CODE.fullmatch(value):
        raise WrongValue(Text("mailing.operator_code", given=value[:16]))
    return value


@rule(
    type=["string", "null"],
    pattern=f"^( *{OPERATOR_CODE.pattern} *(, *{OPERATOR_CODE.pattern} *)*)?$",
    examples=["977,921,925"],
)
def operator_codes(sent: object) -> tuple[str, ...]:
    return listed(sent, operator_code, "977,921,925")


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
    for name in repeated_names(pairs):
        raise WrongValue(Text("attributes.within", name=name[:32], error=REPEATED))
    return dict(pairs)


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


@rule(type="string", minLength=1, maxLength=MAX_NAME, examples=["Постоянные клиенты"])
def name_for_people(sent: object) -> str:
    """Of a segment, or of a template of texts."""
    value = not_blank(sent)
    if len(value) > MAX_NAME:
        raise WrongValue(Text("field.too_long", most=MAX_NAME))
    return value
