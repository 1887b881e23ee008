"""Which fields a mailing's text may have: a client's own, and the attributes that clients have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.client import FIELDS_OF_ALL
from ..domain.template import field_names
from ..errors import BadInput

if TYPE_CHECKING:
    from ..adapters.outside import Outside

ATTRIBUTE = "attribute"
"""The kind of label that an attribute's name is."""

MOST_FIELDS = 100
SUGGESTED = 20


def require_known_fields(outside: Outside, text: str) -> None:
    """BadInput names those that no client has ever had: misspelt, they would be missing from every message."""
    names = [name for name in field_names(text) if name not in FIELDS_OF_ALL]
    if len(names) > MOST_FIELDS:
        raise BadInput({"message_text": [f"At most {MOST_FIELDS} different fields are expected."]})
    known = outside.labels.known(ATTRIBUTE, names) if names else set()
    unknown = [name for name in names if name not in known]
    if unknown:
        some = ", ".join([*FIELDS_OF_ALL, *suggested_names(outside)])
        raise BadInput({"message_text": [f"Unknown fields: {', '.join(unknown)}. Known are {some}."]})


def suggested_names(outside: Outside) -> list[str]:
    """Some of the attributes that there are."""
    return outside.labels.read(ATTRIBUTE, SUGGESTED)
