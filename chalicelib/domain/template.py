"""Placeholders in a mailing's text: `{name}`, or `{name|default}` with a text for clients without a value.

Doubled braces escape a placeholder: `{{name}}` is sent as `{name}`. All other braces are sent unchanged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..texts import Text
from .client import ATTRIBUTE_NAME, Client
from .mailing import Mailing
from .sms import length_error
from .unicode_text import compose, is_blank

PLACEHOLDER = re.compile(
    rf"\{{\{{(?P<escaped>{ATTRIBUTE_NAME}(?:\|[^{{}}]*)?)\}}\}}"
    rf"|\{{(?P<name>{ATTRIBUTE_NAME})(?:\|(?P<default>[^{{}}]*))?\}}"
)
BRACED = re.compile(r"\{+[^{}]*\}+|\{+[^\s{}]*|(?<![^\s{}])[^\s{}]*\}+")
"""Braces with the text between them; a brace without its pair, with the word beside it."""

SHOWN_PIECE = 30
"""Characters of a piece of a text, for people."""

NO_TEXT = Text("text.nothing_left")


def has_placeholders(text: str) -> bool:
    """Whether the text has placeholders or escaped ones."""
    return PLACEHOLDER.search(text) is not None


def placeholder_names(text: str) -> list[str]:
    """The names in the order of the text, without repetitions."""
    return list(dict.fromkeys(match["name"] for match in PLACEHOLDER.finditer(text) if match["name"]))


def malformed_placeholders(text: str) -> list[str]:
    """The pieces of the text whose braces are sent as they are, shortened, without repetitions."""
    pieces = (match[0] for match in BRACED.finditer(text))
    return list(dict.fromkeys(_shortened(piece) for piece in pieces if not PLACEHOLDER.fullmatch(piece)))


def fill(text: str, client: Client) -> str:
    """The text for this client. Values are not searched for placeholders."""
    values = _values(client)
    return PLACEHOLDER.sub(lambda match: _filled(match, values), text)


def fill_masked(text: str, client: Client) -> str:
    """Like `fill`, with the same length, but the middle of the phone number is masked. For pages."""
    phone = client.phone_number
    return fill(text, replace(client, phone_number=f"{phone[:4]}*****{phone[-2:]}"))


def lacks_value(text: str, client: Client) -> bool:
    """Whether the client has no value for a placeholder of the text."""
    values = _values(client)
    return any(not values.get(compose(name)) for name in placeholder_names(text))


def without_value(text: str, clients: Iterable[Client]) -> Counter[str]:
    """The numbers of clients whose text has nothing in the place of a placeholder without a default, by its name."""
    names = dict.fromkeys(match["name"] for match in PLACEHOLDER.finditer(text) if _is_without_default(match))
    found = Counter[str]()
    for client in clients:
        values = _values(client)
        found.update(name for name in names if not values.get(compose(name)))
    return found


def text_for(mailing: Mailing, client: Client) -> str:
    return fill(mailing.message_text, client) if mailing.has_placeholders else mailing.message_text


def filled_error(text: str) -> Text | None:
    """Why a filled-in text cannot be posted: it is empty, or longer than providers accept. Otherwise None."""
    return NO_TEXT if is_blank(text) else length_error(text)


def _is_without_default(match: re.Match[str]) -> bool:
    return match["name"] is not None and match["default"] is None


def _shortened(piece: str) -> str:
    shown = piece.splitlines()[0][:SHOWN_PIECE]
    return shown if shown == piece else f"{shown}…"


def _values(client: Client) -> Mapping[str, str]:
    attributes = {compose(name): value for name, value in client.attributes.items()}
    return {**attributes, "tag": client.tag or "", "phone_number": client.phone_number}


def _filled(match: re.Match[str], values: Mapping[str, str]) -> str:
    if match["escaped"]:
        return f"{{{match['escaped']}}}"
    return values.get(compose(match["name"]), "") or match["default"] or ""
