"""Which fields a mailing's text may have: a client's own, and the attributes that clients have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.client import STANDARD_PLACEHOLDERS
from ..domain.template import placeholder_names
from ..errors import BadInput
from ..texts import Text

if TYPE_CHECKING:
    from ..adapters.services import Services

ATTRIBUTE = "attribute"
"""The kind of label that an attribute's name is."""

MOST_FIELDS = 100
SUGGESTED = 20


def require_known_placeholders(services: Services, text: str) -> None:
    """BadInput names those that no client has ever had: misspelt, they would be missing from every message."""
    names = [name for name in placeholder_names(text) if name not in STANDARD_PLACEHOLDERS]
    if len(names) > MOST_FIELDS:
        raise BadInput({"message_text": [Text("text.too_many_fields", most=MOST_FIELDS)]})
    known = services.labels.existing(ATTRIBUTE, names) if names else set()
    unknown = [name for name in names if name not in known]
    if unknown:
        some = ", ".join([*STANDARD_PLACEHOLDERS, *suggested_placeholders(services)])
        raise BadInput({"message_text": [Text("text.unknown_fields", unknown=", ".join(unknown), known=some)]})


def suggested_placeholders(services: Services) -> list[str]:
    """Some of the attributes that there are."""
    return services.labels.read(ATTRIBUTE, SUGGESTED)
