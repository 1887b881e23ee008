"""docs/CONFIGURATION.md names every setting, deploy parameter and variable of the local stack, with its default."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from chalicelib.settings import Settings, read_settings
from infra.deploy import gradual
from infra.deploy.stack_settings import merge_extra
from infra.local.local_settings import LocalSettings
from infra.local.up import SERVICE_SETTINGS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "CONFIGURATION.md").read_text()
STACK = (ROOT / "infra" / "stack.json").read_text()
PARAMETERS: dict[str, Any] = json.loads(STACK)["Parameters"] | gradual.PARAMETERS


STORED_SECRETS = {"GATEWAY_TOKEN", "OIDC_CLIENT_SECRET"}
"""Read by a deploy, and no parameters of the template."""


def section(heading: str) -> dict[str, tuple[str, str]]:
    """Default and meaning by variable, from the table under this heading."""
    text = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split("|") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): (cells[1].strip(" `"), cells[2].strip()) for cells in rows}


@pytest.mark.parametrize("setting", fields(Settings), ids=lambda setting: setting.name)
def test_every_setting_is_on_the_page_with_its_default_and_meaning(setting) -> None:  # type: ignore[no-untyped-def]
    default, meaning = section("Settings of the deployed functions")[setting.name.upper()]
    expected = f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default or "")
    assert default.lower() == ("false" if setting.default is False else expected.lower())
    assert meaning.lower().startswith(setting.metadata["help"].rstrip(".").lower()[:30])


def test_the_page_has_no_setting_that_is_not_read() -> None:
    assert set(section("Settings of the deployed functions")) == {setting.name.upper() for setting in fields(Settings)}


def test_the_page_names_the_settings_that_no_deploy_parameter_sets() -> None:
    named = re.search(r"all but `(\w+)` and `(\w+)`;", PAGE)
    assert named
    assert set(named.groups()) == {name for one in fields(Settings) if f'"{(name := one.name.upper())}"' not in STACK}


def test_the_extra_template_of_the_page_sets_such_a_setting_beside_those_of_the_stack() -> None:
    extra = json.loads(PAGE.partition("```json\n")[2].partition("```")[0])
    sender = merge_extra(json.loads(STACK), extra)["Resources"]["SendMessages"]
    variables = sender["Properties"]["Environment"]["Variables"]
    assert variables["GATEWAY_URL"] == {"Ref": "GatewayUrl"}
    assert read_settings({"SENDER_THREADS": variables["SENDER_THREADS"]}).sender_threads == 14


def test_every_deploy_parameter_is_on_the_page_with_its_default() -> None:
    rows = section("Deploy parameters").items()
    shown = {name: default for name, (default, _) in rows if name not in STORED_SECRETS}
    expected = {variable(name): str(one.get("Default", "required once")) or "none" for name, one in PARAMETERS.items()}
    expected.pop("STAGE")  # an argument of make
    assert shown == expected


def test_the_ports_of_the_local_stack_are_those_of_its_settings() -> None:
    shown = section("The local stack")
    defaults = LocalSettings()
    assert (shown["PORT"][0], shown["AWS_PORT"][0]) == (str(defaults.port), str(defaults.aws_port))


def test_every_variable_that_make_up_reads_is_on_the_page() -> None:
    source = (ROOT / "infra" / "local" / "up.py").read_text()
    read = set(re.findall(r'environment(?:\.get\(|, |\[)"([A-Z_]+)"', source))
    assert read | set(SERVICE_SETTINGS) == set(section("The local stack"))


def variable(parameter: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", parameter).upper()
