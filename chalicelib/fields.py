"""The rules for every field that people and programs send, with texts in the manner of Django REST framework.

A rule is a function from what was sent to a checked value, which raises WrongValue with what is wrong and what is
expected, and the JSON schema of what it takes, from which the API's documentation is made. `read_fields` applies
them all, so that every bad field is named at once. At the end: which fields a client and a mailing have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time

import pytz

from .domain.canary import MAX_CANARY_SIZE
from .domain.client import MAX_ATTRIBUTES, MAX_LABEL, PHONE, STANDARD_PLACEHOLDERS, attributes_error, is_attribute_name
from .domain.mailing import MAX_RATE
from .domain.message import RESENDABLE
from .domain.receipt import RECEIPT_STATUSES, clean_reason
from .errors import BadInput, FieldErrors, WrongValue
from .texts import Text, both, either

Schema = dict[str, object]

CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
CODE = re.compile(r"9[0-9]{2}")
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+ -][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?)?"
)
"""A space before the offset stands for `+`: a form or a query that does not encode `+` delivers it as a space."""


@dataclass(frozen=True)
class Rule:
    read: Callable[[object], object]
    schema: Schema


def rule(**schema: object) -> Callable[[Callable[[object], object]], Rule]:
    """Makes a rule of a function that reads; `schema` in the words of JSON Schema 2020-12."""
    return lambda read: Rule(read, schema)


@dataclass(frozen=True)
class Field:
    """`required` fields must be there when something is made; `about` is for the documentation."""

    rule: Rule
    about: str
    required: bool = False


def read_fields(
    sent: Mapping[str, object], known: Mapping[str, Field], read_only: set[str], partial: bool
) -> dict[str, object]:
    """The checked values of what was sent; BadInput names every field that is wrong, missing or unknown."""
    values: dict[str, object] = {}
    errors: FieldErrors = {
        name: [Text("field.unknown")] for name in sent if name not in known and name not in read_only
    }
    for name, field in known.items():
        if name not in sent:
            if field.required and not partial:
                errors[name] = [Text("field.required")]
            continue
        try:
            values[name] = field.rule.read(sent[name])
        except WrongValue as error:
            errors[name] = [error.text]
    if errors:
        raise BadInput(errors)
    return values


def text(sent: object) -> str:
    """A string that can be stored and sent: no NUL, no lone surrogate, no sign of bytes that were not UTF-8."""
    if sent is None:
        raise WrongValue(Text("field.null"))
    if not isinstance(sent, str):
        raise WrongValue(Text("field.not_a_string"))
    if "\x00" in sent:
        raise WrongValue(Text("field.null_characters"))
    if "\ufffd" in sent or any("\ud800" <= character <= "\udfff" for character in sent):
        raise WrongValue(Text("field.not_utf8"))
    return sent.strip()


def not_blank(sent: object) -> str:
    value = text(sent)
    if not value:
        raise WrongValue(Text("field.blank"))
    return value


@rule(type="string", minLength=1, examples=["Здравствуйте!"])
def required_text(sent: object) -> str:
    return not_blank(sent)


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
def tag(sent: object) -> str | None:
    value = "" if sent is None else text(sent)
    if "," in value:
        raise WrongValue(Text("client.tag_with_comma"))
    if len(value) > MAX_LABEL:
        raise WrongValue(Text("field.too_long", most=MAX_LABEL))
    return value or None


@rule(type="string", minLength=1, default="UTC", examples=["Europe/Moscow"])
def timezone(sent: object) -> str:
    value = not_blank(sent)
    if value not in pytz.common_timezones_set:
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


@rule(type="string", pattern=f"^{MOMENT.pattern}$", examples=["2026-12-01T09:30:00+03:00", "2026-12-01"])
def moment(sent: object) -> datetime:
    """ISO 8601 as Python prints it; without an offset it is UTC, a date alone is midnight, fractions are dropped."""
    value = not_blank(sent)
    if not MOMENT.fullmatch(value):
        raise WrongValue(Text("field.moment_format"))
    try:
        read = datetime.fromisoformat(value[:11] + value[11:].replace(" ", "+"))
        return (read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)).replace(microsecond=0)
    except (ValueError, OverflowError) as error:
        raise WrongValue(Text("field.no_such_moment")) from error


@rule(type=["string", "null"], pattern=f"^({CLOCK.pattern})?$", examples=["09:00"])
def clock(sent: object) -> time | None:
    """A time of day; blank or null for none."""
    value = "" if sent is None else text(sent)
    if not value:
        return None
    if not CLOCK.fullmatch(value):
        raise WrongValue(Text("field.clock"))
    return time.fromisoformat(value)


def number_up_to(most: int, example: int, least: int = 1) -> Rule:
    """A whole number; blank or null for none."""
    expected = Text("field.number", least=least, most=most, example=example)

    @rule(
        anyOf=[
            {"type": ["integer", "null"], "minimum": least, "maximum": most},
            {"type": "string", "pattern": f"^([{least}-9][0-9]{{0,{len(str(most)) - 1}}})?$"},
        ],
        examples=[example],
    )
    def number(sent: object) -> int | None:
        value = str(sent) if type(sent) is int else "" if sent is None else text(sent)
        if not value:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
            raise WrongValue(expected)
        return int(value)

    return number


@rule(type=["string", "null"], examples=["тег1,тег3"])
def tags(sent: object) -> tuple[str, ...]:
    def one(label: str) -> str:
        if len(label) > MAX_LABEL:
            raise WrongValue(Text("mailing.tag_too_long", most=MAX_LABEL))
        return label

    return _listed(sent, one, "тег1,тег3")


@rule(type=["string", "null"], pattern=f"^( *{CODE.pattern} *(, *{CODE.pattern} *)*)?$", examples=["977,921,925"])
def operator_codes(sent: object) -> tuple[str, ...]:
    def one(code: str) -> str:
        if not CODE.fullmatch(code):
            raise WrongValue(Text("mailing.operator_code", given=code[:16]))
        return code

    return _listed(sent, one, "977,921,925")


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


@rule(type=["string", "null"], pattern=f"^{MOMENT.pattern}$", examples=["2026-12-01T06:30:00Z"])
def moment_if_any(sent: object) -> object:
    return None if sent is None else moment.read(sent)


def choices(known: tuple[str, ...]) -> Rule:
    """Some of these, as a JSON list or separated by commas; at least one."""
    one = "|".join(known)
    listed = {"type": "array", "items": {"enum": list(known)}, "minItems": 1}

    @rule(anyOf=[{"type": "string", "pattern": f"^({one})(,({one}))*$"}, listed], examples=[",".join(known)])
    def some_of(sent: object) -> tuple[str, ...]:
        items = sent if isinstance(sent, list) else text(sent).split(",")
        chosen = tuple(dict.fromkeys(str(item).strip() for item in items))
        if not chosen or not set(chosen) <= set(known):
            raise WrongValue(Text("field.choices", choices=", ".join(known)))
        return chosen

    return some_of


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


def _listed(sent: object, one: Callable[[str], str], example: str) -> tuple[str, ...]:
    """Items separated by commas, each once, in the order given; blank or null means none."""
    value = "" if sent is None else text(sent)
    if not value:
        return ()
    items = [item.strip() for item in value.split(",")]
    if not all(items):
        raise WrongValue(Text("field.empty_item", example=example))
    return tuple(dict.fromkeys(one(item) for item in items))


CLIENT = {
    "phone_number": Field(phone_number, "79XXXXXXXXX; nobody else has it.", required=True),
    "tag": Field(tag, "One free label; blank or null for none."),
    "timezone": Field(timezone, "A name of pytz's common_timezones."),
    "attributes": Field(attributes, "The client's own fields for texts, by name; a change replaces all of them."),
}
CLIENT_READ_ONLY = {"id", "operator_code", "opted_out_at"}

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
