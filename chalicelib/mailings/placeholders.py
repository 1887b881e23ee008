"""The placeholders that a mailing's text may have: the standard ones, and attributes that a client has had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..domain.client import STANDARD_PLACEHOLDERS, Client
from ..domain.template import malformed_placeholders, placeholder_names, without_value
from ..errors import BadInput
from ..texts import Text, both

if TYPE_CHECKING:
    from ..adapters.services import Services

ATTRIBUTE = "attribute"
"""The kind of label of an attribute's name."""

MAX_PLACEHOLDERS = 100
MAX_SUGGESTED = 20
MAX_PIECES = 3
"""Named in a warning."""


def require_known_placeholders(services: Services, text: str) -> None:
    """Raises BadInput with the placeholders that no client has ever had: they would have no value in any message."""
    names = [name for name in placeholder_names(text) if name not in STANDARD_PLACEHOLDERS]
    if len(names) > MAX_PLACEHOLDERS:
        raise BadInput({"message_text": [Text("text.too_many_placeholders", most=MAX_PLACEHOLDERS)]})
    known = services.labels.existing(ATTRIBUTE, names) if names else set()
    unknown = [name for name in names if name not in known]
    if unknown:
        examples = ", ".join([*STANDARD_PLACEHOLDERS, *suggested_placeholders(services)])
        refusal = Text("text.unknown_placeholders", unknown=", ".join(unknown), known=examples)
        raise BadInput({"message_text": [refusal]})


def placeholder_warnings(text: str) -> list[Text]:
    """Whether the text has a placeholder that is written wrong: it is sent as it is, which may be meant."""
    pieces = [Text("text.piece", piece=piece) for piece in malformed_placeholders(text)[:MAX_PIECES]]
    return [Text("text.malformed_placeholders", pieces=both(pieces))] if pieces else []


def value_warnings(text: str, sample: Sequence[Client], of_clients: Text) -> list[Text]:
    """Which placeholders without a default leave a gap in the texts of a sample. `of_clients`: `sample_in_words`."""
    return [
        Text("text.without_value", of_clients=of_clients, without=number, name=name)
        for name, number in without_value(text, sample).most_common()
    ]


def suggested_placeholders(services: Services) -> list[str]:
    """Some names of attributes, for a form or an error."""
    return services.labels.read(ATTRIBUTE, MAX_SUGGESTED)
