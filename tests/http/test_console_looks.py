"""The visual system of the console: colours are tokens with two schemes, and their pairs can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.console import routes

CONSOLE = Path(routes.__file__).parent
CSS = (CONSOLE / "static" / "console.css").read_text()
TEMPLATES = {path.name: path.read_text() for path in (CONSOLE / "templates").glob("*.html")}
COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(", re.IGNORECASE)
LIGHT, DARK = re.findall(r":root {(.*?)}", CSS, re.DOTALL)[:2]

READ = [(ink, paper) for ink in ("ink", "soft", "link") for paper in ("paper", "ground")]
READ += [("on-main", paper) for paper in ("main", "main-hover", "danger", "danger-hover")]
READ += [(f"{kind}-ink", f"{kind}-paper") for kind in ("plain", "info", "good", "warn", "bad")]
READ += [("ink", f"{kind}-paper") for kind in ("good", "warn")]
SEEN = [(mark, paper) for mark in ("edge", "focus") for paper in ("paper", "ground")]
SEEN += [(status, "paper") for status in ("sent", "failed", "unknown", "expired", "cancelled")]


def tokens(scheme: str) -> dict[str, str]:
    """The dark scheme changes some of the tokens."""
    return {name: value for block in (LIGHT, scheme) for name, value in re.findall(r"--([\w-]+): (#\w+);", block)}


def luminance(colour: str) -> float:
    """Source: WCAG 2.2, relative luminance."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_pair_of_colours_has_the_contrast_of_wcag_aa(scheme: str) -> None:
    colours = tokens(scheme)
    for pairs, least in ((READ, 4.5), (SEEN, 3.0)):
        weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
        assert {pair: round(value, 2) for pair, value in weak.items() if value < least} == {}


def test_every_colour_is_a_token() -> None:
    """A colour of its own would be wrong in one of the schemes."""
    rules = CSS.replace(LIGHT, "").replace(DARK, "")
    assert COLOUR.findall(rules) == []


def test_no_page_has_styles_of_its_own() -> None:
    """The content security policy would refuse them."""
    assert [name for name, page in TEMPLATES.items() if re.search(r"\sstyle=|<style", page)] == []


def test_every_column_has_a_heading() -> None:
    """A screen reader reads it before the content of each cell."""
    assert [name for name, page in TEMPLATES.items() if re.search(r"<th\b[^>]*>\s*</th>", page)] == []
