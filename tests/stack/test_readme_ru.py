"""The Russian README has the same headings, commands, tables, links and pictures as the English one."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGLISH = (ROOT / "README.md").read_text()
RUSSIAN = (ROOT / "README.ru.md").read_text()
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ONLY_IN_ONE = {"README.md", "README.ru.md", "docs/OPERATIONS.ru.md"}


def blocks(text: str, kinds: tuple[str, ...]) -> list[str]:
    return [block for kind, block in BLOCK.findall(text) if kind in kinds]


def without_blocks(text: str) -> str:
    return BLOCK.sub("", text)


def test_the_headings_have_the_same_levels() -> None:
    levels = [re.findall(r"^(#+) ", without_blocks(text), re.MULTILINE) for text in (ENGLISH, RUSSIAN)]
    assert levels[0] == levels[1]


def test_every_block_of_commands_and_its_output_are_the_same() -> None:
    assert blocks(ENGLISH, ("sh",))
    assert blocks(ENGLISH, ("sh", "text")) == blocks(RUSSIAN, ("sh", "text"))


def test_the_diagram_has_the_same_parts_and_arrows() -> None:
    diagrams = [re.sub(r'"[^"]*"', '""', block) for text in (ENGLISH, RUSSIAN) for block in blocks(text, ("mermaid",))]
    assert len(diagrams) == 2
    assert diagrams[0] == diagrams[1]


def test_the_tables_have_the_same_rows_and_columns() -> None:
    columns = [
        [line.count("|") for line in without_blocks(text).splitlines() if line.startswith("|")]
        for text in (ENGLISH, RUSSIAN)
    ]
    assert columns[0] == columns[1]


def test_the_lists_have_the_same_length() -> None:
    items = [re.findall(r"^(-|\d\.) ", without_blocks(text), re.MULTILINE) for text in (ENGLISH, RUSSIAN)]
    assert items[0] == items[1]


def test_every_name_in_code_is_in_both_readmes() -> None:
    names = [set(re.findall(r"`([^`]+)`", without_blocks(text))) for text in (ENGLISH, RUSSIAN)]
    assert names[0] == names[1]


def test_both_readmes_link_to_the_same_pages_and_show_the_same_pictures() -> None:
    links = [set(re.findall(r"\]\(([^)]+)\)", text.replace("images/ru/", "images/en/"))) for text in (ENGLISH, RUSSIAN)]
    assert links[0] - ONLY_IN_ONE == links[1] - ONLY_IN_ONE
