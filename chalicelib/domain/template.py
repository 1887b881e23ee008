"""A mailing's text with fields: `{name}`, or `{name|what stands there where the client has none}`.

Nothing else is a field, and any other brace stays as it is; what is to go out as it looks is doubled: `{{name}}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from .client import ATTRIBUTE_NAME, Client
from .mailing import Mailing

FIELD = re.compile(
    rf"\{{\{{(?P<as_it_is>{ATTRIBUTE_NAME}(?:\|[^{{}}]*)?)\}}\}}"
    rf"|\{{(?P<name>{ATTRIBUTE_NAME})(?:\|(?P<otherwise>[^{{}}]*))?\}}"
)
NO_TEXT = "For this client nothing is left of the text."


def has_placeholders(text: str) -> bool:
    """Whether it has to be filled in, doubled braces included."""
    return FIELD.search(text) is not None


def placeholder_names(text: str) -> list[str]:
    """Each once, in the order of the text."""
    return list(dict.fromkeys(match["name"] for match in FIELD.finditer(text) if match["name"]))


def fill(text: str, client: Client) -> str:
    """The text as this client gets it. What is filled in is not looked at again: a value with braces is a value."""
    values = _values(client)
    return FIELD.sub(lambda match: _filled(match, values), text)


def fill_masked(text: str, client: Client) -> str:
    """As long as `fill` gives it, with the middle of the phone number hidden: for a page."""
    phone = client.phone_number
    return fill(text, replace(client, phone_number=f"{phone[:4]}*****{phone[-2:]}"))


def text_for(mailing: Mailing, client: Client) -> str:
    return fill(mailing.message_text, client) if mailing.has_placeholders else mailing.message_text


def _values(client: Client) -> Mapping[str, str]:
    return {**client.attributes, "tag": client.tag or "", "phone_number": client.phone_number}


def _filled(match: re.Match[str], values: Mapping[str, str]) -> str:
    if match["as_it_is"]:
        return f"{{{match['as_it_is']}}}"
    return values.get(match["name"], "") or match["otherwise"] or ""
