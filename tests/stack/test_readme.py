from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from chalicelib.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SETTINGS = README.partition("## Settings of the deployed functions")[2]


@pytest.mark.parametrize("setting", fields(Settings), ids=lambda setting: setting.name)
def test_every_setting_is_in_the_readme_with_its_default_and_meaning(setting) -> None:  # type: ignore[no-untyped-def]
    row = next(line for line in SETTINGS.splitlines() if line.startswith(f"| `{setting.name.upper()}` |"))
    default = f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default or "")
    assert default.lower() in row.lower()
    assert setting.metadata["help"].rstrip(".").lower()[:30] in row.lower()


def test_every_make_target_that_the_readme_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )*make ([a-z-]+)\b", README, re.MULTILINE)) <= targets
