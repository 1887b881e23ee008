"""The templates of GATEWAY=http: what a post says, with the values of a message escaped for their place."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..errors import BadSettings
from .port import Sms, whole_lifetime

PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)(:int)?\}")
"""`:int` makes a number of JSON; then nothing else may be in the text."""

UNITS = {"lifetime_seconds": 1, "lifetime_minutes": 60, "lifetime_hours": 3600}
LONGEST_LIFETIME = 7 * 24 * 3600
"""Seconds."""

OF_SECRET = {"key", "user", "password", "basic"}
OF_MESSAGE = {"id", "phone", "phone_plus", "text", "sender", *UNITS}
WHOLE = {"id", "phone", *UNITS}
"""The values that can be numbers."""


def values_of(sms: Sms, secret: str) -> dict[str, str]:
    """Texts by name. An empty one means that the message has no such value."""
    user, _, password = secret.partition(":")
    lifetimes = {name: whole_lifetime(sms.lifetime, unit, 1, LONGEST_LIFETIME // unit) for name, unit in UNITS.items()}
    return {
        "id": str(sms.id),
        "phone": sms.phone_number,
        "phone_plus": f"+{sms.phone_number}",
        "text": sms.text,
        "sender": sms.sender,
        **{name: "" if lifetime is None else str(lifetime) for name, lifetime in lifetimes.items()},
        "key": secret,
        "user": user,
        "password": password,
        "basic": b64encode(secret.encode()).decode(),
    }


def as_it_is(text: str) -> str:
    return text


def fill(template: str, values: Mapping[str, str], escape: Callable[[str], str] = as_it_is) -> str | None:
    """None if the message has no value for a placeholder: its field is left out."""
    found = PLACEHOLDER.findall(template)
    if not all(values[name] for name, _ in found):
        return None
    return PLACEHOLDER.sub(lambda match: escape(values[match[1]]), template)


def fill_json(template: Any, values: Mapping[str, str]) -> Any:
    """The template of JSON with its values, without the fields that the message has no value for."""
    if isinstance(template, dict):
        filled = {name: fill_json(one, values) for name, one in template.items()}
        return {name: one for name, one in filled.items() if one is not None or template[name] is None}
    if isinstance(template, list):
        return [fill_json(one, values) for one in template]
    if not isinstance(template, str):
        return template
    text = fill(template, values)
    return int(text) if text is not None and template.endswith(":int}") else text


def names_in(template: str) -> set[str]:
    """Of its placeholders."""
    return {name for name, _ in PLACEHOLDER.findall(template)}


def check(place: str, template: str, allowed: set[str], may_be_int: bool = False) -> None:
    """Raises BadSettings for a placeholder that is not allowed here."""
    for match in PLACEHOLDER.finditer(template):
        name, as_int = match[1], match[2]
        if name not in allowed:
            raise BadSettings(f"{place}: {{{name}}}: one of {', '.join(sorted(allowed))} is expected")
        if as_int and not (may_be_int and match[0] == template and name in WHOLE):
            raise BadSettings(f"{place}: {match[0]} is expected alone, in JSON, for one of {', '.join(sorted(WHOLE))}")


def texts_of(place: str, template: Any) -> Iterator[tuple[str, str]]:
    """The texts in a template of JSON, each with its place."""
    if isinstance(template, dict):
        for name, one in template.items():
            yield from texts_of(f"{place}.{name}", one)
    elif isinstance(template, list):
        for number, one in enumerate(template):
            yield from texts_of(f"{place}[{number}]", one)
    elif isinstance(template, str):
        yield place, template
