"""Rules of fields: a rule converts a sent value, or raises WrongValue with what is wrong and what is expected.

A rule also has the JSON schema of the values that it accepts, for the API's documentation. `read_fields` applies a
table of fields and reports all bad fields at once. The texts follow Django REST framework.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from .domain.client import MAX_LABEL
from .domain.money import MAX_AMOUNT, read_amount
from .domain.unicode_text import compose, has_surrogate, is_blank
from .errors import BadInput, FieldErrors, WrongParts, WrongValue
from .texts import Text, either
from .zones import TIME_OF_DAY, is_time_of_day

Schema = dict[str, object]

REPEATED = Text("field.repeated")

MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+ -][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?)?"
)
"""A space before the offset means `+`: a form or a query with a `+` that is not encoded has a space there."""


def repeated_names(pairs: Sequence[tuple[str, object]]) -> list[str]:
    """The names that a JSON object or a form has more than once, which is refused: which value is meant?"""
    return [name for name, number in Counter(name for name, _ in pairs).items() if number > 1]


@dataclass(frozen=True)
class Rule:
    read: Callable[[object], object]
    schema: Schema


def rule(**schema: object) -> Callable[[Callable[[object], object]], Rule]:
    """Decorates the reading function of a rule. `schema`: keywords of JSON Schema 2020-12."""
    return lambda read: Rule(read, schema)


@dataclass(frozen=True)
class Field:
    """`required`: needed to make an object. `about`: the description in the API's documentation."""

    rule: Rule
    about: str
    required: bool = False


def read_fields(
    sent: Mapping[str, object], known: Mapping[str, Field], read_only: set[str], partial: bool
) -> dict[str, object]:
    """The checked values. Raises BadInput with all wrong, missing and unknown fields at once.

    `partial`: required fields may be absent. Read-only fields are ignored.
    """
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
        except WrongParts as error:
            errors |= error.of_field(name)
    if errors:
        raise BadInput(errors)
    return values


def text(sent: object) -> str:
    """A composed, stripped string without NUL, lone surrogates and U+FFFD, which replaces bytes that are not UTF-8.

    A text that shows nothing, such as a zero-width space, is read as blank.
    """
    if sent is None:
        raise WrongValue(Text("field.null"))
    if not isinstance(sent, str):
        raise WrongValue(Text("field.not_a_string"))
    if "\x00" in sent:
        raise WrongValue(Text("field.null_characters"))
    if "\ufffd" in sent or has_surrogate(sent):
        raise WrongValue(Text("field.not_utf8"))
    value = compose(sent).strip()
    return "" if is_blank(value) else value


def not_blank(sent: object) -> str:
    value = text(sent)
    if not value:
        raise WrongValue(Text("field.blank"))
    return value


@rule(type="string", pattern=f"^{MOMENT.pattern}$", examples=["2026-12-01T09:30:00+03:00", "2026-12-01"])
def moment(sent: object) -> datetime:
    """ISO 8601 as Python prints it. Without an offset: UTC. A date alone: midnight. Drops fractions of a second."""
    value = not_blank(sent)
    if not MOMENT.fullmatch(value):
        raise WrongValue(Text("field.moment_format"))
    try:
        read = datetime.fromisoformat(value[:11] + value[11:].replace(" ", "+"))
        return (read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)).replace(microsecond=0)
    except (ValueError, OverflowError) as error:
        raise WrongValue(Text("field.no_such_moment")) from error


def label_up_to(most: int, *examples: str) -> Rule:
    """A text of at most so many characters; blank or null: none."""

    @rule(type=["string", "null"], maxLength=most, examples=list(examples))
    def read(sent: object) -> str | None:
        value = "" if sent is None else text(sent)
        if len(value) > most:
            raise WrongValue(Text("field.too_long", most=most))
        return value or None

    return read


label = label_up_to(MAX_LABEL)
"""A short text."""


@rule(type=["string", "null"], pattern=f"^({TIME_OF_DAY.pattern})?$", examples=["09:00"])
def time_of_day(sent: object) -> time | None:
    """A time of day; blank or null: none."""
    value = "" if sent is None else text(sent)
    if not value:
        return None
    if not is_time_of_day(value):
        raise WrongValue(Text("field.time_of_day"))
    return time.fromisoformat(value)


def number_up_to(most: int, example: int, least: int = 1) -> Rule:
    """A whole number from `least` to `most`; blank or null: none."""
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


@rule(
    anyOf=[{"type": "number", "minimum": 0, "maximum": MAX_AMOUNT}, {"type": ["string", "null"]}],
    examples=["1500.00"],
)
def amount(sent: object) -> int | None:
    """An amount of money, as in domain/money.py; blank or null: none."""
    value = str(sent) if type(sent) in (int, float) else "" if sent is None else text(sent)
    try:
        return read_amount(value) if value else None
    except ValueError as error:
        raise WrongValue(Text("field.amount", most=MAX_AMOUNT)) from error


@rule(type=["string", "null"], pattern=f"^({MOMENT.pattern})?$", examples=["2026-12-01T06:30:00Z"])
def optional_moment(sent: object) -> object:
    """A moment; blank or null: none."""
    return moment.read(sent) if sent is not None and text(sent) else None


def choices(known: tuple[str, ...]) -> Rule:
    """One or more of the `known` values, as a JSON list or separated by commas."""
    alternatives = "|".join(known)
    array = {"type": "array", "items": {"enum": list(known)}, "minItems": 1}

    @rule(
        anyOf=[{"type": "string", "pattern": f"^({alternatives})(,({alternatives}))*$"}, array],
        examples=[",".join(known)],
    )
    def some_of(sent: object) -> tuple[str, ...]:
        items = sent if isinstance(sent, list) else text(sent).split(",")
        chosen = tuple(dict.fromkeys(str(item).strip() for item in items))
        if not chosen or not set(chosen) <= set(known):
            raise WrongValue(Text("field.choices", choices=", ".join(known)))
        return chosen

    return some_of


def one_of(known: tuple[str, ...]) -> Rule:
    """One of the `known` values; blank or null: the first."""

    @rule(enum=[*known, "", None], default=known[0])
    def one(sent: object) -> str:
        value = "" if sent is None else text(sent)
        if value and value not in known:
            raise WrongValue(Text("field.one_of", choices=either(known)))
        return value or known[0]

    return one


def listed(sent: object, read_item: Callable[[str], str], example: str) -> tuple[str, ...]:
    """Items separated by commas, in their order, without repetitions; blank or null: none."""
    value = "" if sent is None else text(sent)
    if not value:
        return ()
    items = [item.strip() for item in value.split(",")]
    if not all(items):
        raise WrongValue(Text("field.empty_item", example=example))
    return tuple(dict.fromkeys(read_item(item) for item in items))
