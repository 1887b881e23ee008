"""The version is the same in the code, in pyproject.toml, in the changelog, in the stack and in `/openapi.json`."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from chalicelib import __version__
from chalicelib.api.openapi import document

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSIONS = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_code_and_the_project_have_the_same_version() -> None:
    assert PROJECT["version"] == __version__


def test_a_deployed_stack_has_the_version_among_its_outputs() -> None:
    template = json.loads((ROOT / "infra" / "stack.json").read_text())
    assert template["Outputs"]["Version"] == {"Value": __version__}


def test_the_newest_version_of_the_changelog_is_this_one_below_the_unreleased_changes() -> None:
    (unreleased, _), (newest, date), *_ = VERSIONS
    assert (unreleased, newest) == ("Unreleased", __version__)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", date)


def test_the_description_of_the_api_has_the_version() -> None:
    assert document("https://api.example.com")["info"]["version"] == __version__  # type: ignore[index]


def test_the_license_is_that_of_the_project_file() -> None:
    assert PROJECT["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License\n\nCopyright (c) 2026 the notifications authors\n")
