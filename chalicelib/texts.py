"""Texts that the service shows to people: refusals, errors and reasons. A text is a code with parameters.

`texts.json` has one template per code and language, with the same parameters in each language; wording.py says how a
number and the word beside it are written. The API answers in
English; the console and the report's email use the reader's language. Tables store the code and the parameters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from .wording import ENGLISH, filled

AS_WRITTEN = "as_written"
"""The code of a text that has no template of its own and is shown unchanged."""

TEMPLATES = Path(__file__).with_suffix(".json")


@dataclass(frozen=True, init=False)
class Text:
    """For example `Text("gateway.answered", status=503)`. A parameter may be a Text as well."""

    code: str
    parameters: tuple[tuple[str, Parameter], ...]

    def __init__(self, code: str, **parameters: Parameter) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "parameters", tuple(parameters.items()))

    def __str__(self) -> str:
        """The English text, as the API shows it."""
        return self.in_language(ENGLISH)

    def in_language(self, language: str) -> str:
        """Returns the code itself if it is unknown: a later version of the service may have stored it."""
        template = _templates().get(self.code, {}).get(language, self.code)
        return filled(template, language, **{name: _in_language(value, language) for name, value in self.parameters})

    @property
    def stored(self) -> dict[str, object]:
        """The form that tables store: `{"code": "gateway.answered", "status": 503}`."""
        parameters = {name: value.stored if isinstance(value, Text) else value for name, value in self.parameters}
        return {"code": self.code, **parameters}


Parameter = str | int | Text
P = TypeVar("P", bound=Parameter)


def read_stored(stored: Mapping[str, object]) -> Text:
    parameters = {name: _read_parameter(value) for name, value in stored.items() if name != "code"}
    return Text(str(stored["code"]), **parameters)


def either(names: Sequence[P]) -> P | Text:
    """The names joined by "or" in the reader's language: `a`, `a or b`."""
    return _joined("either", names)


def both(names: Sequence[P]) -> P | Text:
    """The names joined by "and" in the reader's language: `a`, `a and b`."""
    return _joined("both", names)


def _joined(code: str, names: Sequence[P]) -> P | Text:
    joined: P | Text = names[0]
    for name in names[1:]:
        joined = Text(code, left=joined, right=name)
    return joined


def _in_language(value: Parameter, language: str) -> str | int:
    return value.in_language(language) if isinstance(value, Text) else value


def _read_parameter(stored: object) -> Parameter:
    if isinstance(stored, dict):
        return read_stored(stored)
    return stored if isinstance(stored, int) else str(stored)


@cache
def _templates() -> dict[str, dict[str, str]]:
    """The templates by code and language."""
    templates: dict[str, dict[str, str]] = json.loads(TEMPLATES.read_text(encoding="utf-8"))
    return templates
