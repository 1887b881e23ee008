"""Texts for people that the service makes itself: refusals, errors and reasons, each a code with its parts.

`texts.json` has a template in each language for each code, with the same parts. The API shows English, the console and
the report's email the reader's language; tables keep the code and the parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ENGLISH, RUSSIAN = "en", "ru"
LANGUAGES = (ENGLISH, RUSSIAN)

AS_WRITTEN = "as_written"
"""The code of a text that has no other: what is stored or received as it is."""

TEMPLATES = Path(__file__).with_suffix(".json")


@dataclass(frozen=True, init=False)
class Text:
    """`Text("gateway.answered", status=503)`. A part may be a text too; it is told in the same language."""

    code: str
    parts: tuple[tuple[str, Part], ...]

    def __init__(self, code: str, **parts: Part) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "parts", tuple(parts.items()))

    def __str__(self) -> str:
        """In English, as the API shows it."""
        return self.told(ENGLISH)

    def told(self, language: str) -> str:
        """A code that this version does not know, because a later one stored it, is told as it is."""
        template = _templates().get(self.code, {}).get(language, self.code)
        return template.format(**{name: _told(part, language) for name, part in self.parts})

    @property
    def stored(self) -> dict[str, object]:
        """As tables keep it: `{"code": "gateway.answered", "status": 503}`."""
        parts = {name: part.stored if isinstance(part, Text) else part for name, part in self.parts}
        return {"code": self.code, **parts}


Part = str | int | Text


def read_stored(stored: Mapping[str, object]) -> Text:
    parts = {name: _read_part(part) for name, part in stored.items() if name != "code"}
    return Text(str(stored["code"]), **parts)


def either(names: Sequence[str]) -> Part:
    """`a`, or `a or b`, in the reader's language."""
    return _joined("either", names)


def both(names: Sequence[str]) -> Part:
    """`a`, or `a and b`, in the reader's language."""
    return _joined("both", names)


def _joined(code: str, names: Sequence[str]) -> Part:
    told: Part = names[0]
    for name in names[1:]:
        told = Text(code, one=told, other=name)
    return told


def _told(part: Part, language: str) -> str | int:
    return part.told(language) if isinstance(part, Text) else part


def _read_part(stored: object) -> Part:
    if isinstance(stored, dict):
        return read_stored(stored)
    return stored if isinstance(stored, int) else str(stored)


@cache
def _templates() -> dict[str, dict[str, str]]:
    """By code and language."""
    templates: dict[str, dict[str, str]] = json.loads(TEMPLATES.read_text(encoding="utf-8"))
    return templates
