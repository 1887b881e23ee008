"""A template of texts: a text with placeholders that has a name, from which drafts begin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

TEMPLATE_ID = "template_id"
"""The counter of the ids of templates."""

MOST_TEMPLATES = 100
"""They are on one page."""


@dataclass(frozen=True)
class TextTemplate:
    id: int
    name: str
    text: str
    author: str
    made_at: datetime
