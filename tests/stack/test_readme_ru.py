"""The README in Russian is level with the English one: the same headings, commands, tables and pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGLISH = (ROOT / "README.md").read_text()
RUSSIAN = (ROOT / "README.ru.md").read_text()


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def test_the_headings_are_as_many_and_as_deep() -> None:
    levels = [re.findall(r"^(#+) ", without_code(text), re.MULTILINE) for text in (ENGLISH, RUSSIAN)]
    assert levels[0] == levels[1]


def test_every_block_of_commands_is_the_same() -> None:
    blocks = [re.findall(r"```.*?```", text, re.DOTALL) for text in (ENGLISH, RUSSIAN)]
    assert blocks[0] == blocks[1]


def test_every_row_of_a_table_is_about_the_same() -> None:
    rows = [re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE) for text in (ENGLISH, RUSSIAN)]
    assert rows[0] == rows[1]


def test_every_name_in_code_is_in_both() -> None:
    names = [re.findall(r"`([^`]+)`", without_code(text)) for text in (ENGLISH, RUSSIAN)]
    english, russian = ({" ".join(name.split()) for name in found} for found in names)
    assert english == russian


@pytest.mark.parametrize("text", [ENGLISH, RUSSIAN], ids=["English", "Russian"])
def test_every_link_to_a_file_leads_somewhere(text: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
