"""docs/RIGHTS.md has the rights of every function, as in its policy, with the reasons."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .test_template import WILD, as_list, unconditional

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "RIGHTS.md").read_text()
OF_ALL_FUNCTIONS = {"WritesItsOwnLog", "XRayKnowsNoResources"}
POLICIES = sorted((ROOT / ".chalice" / "policies").glob("*.json"))


def page_name(resource: dict[str, Any]) -> str:
    """The name of a resource on the page: its name in the template, or the end of its ARN."""
    if "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    arn = str(resource["Fn::Sub"]).rpartition("${AWS::AccountId}:")[2].rpartition(":::")[2]
    return arn.replace("${AWS::StackName}", "<stack>").replace("${", "").replace(".Arn}", "").replace("}", "")


def rows_of(policy: Path) -> set[str]:
    """The rows that the table should have, without reasons.

    The rights to write the log and to trace are documented once for all functions.
    """
    statements = map(unconditional, json.loads(policy.read_text())["Statement"])
    named = [one for one in statements if one.get("Sid") not in OF_ALL_FUNCTIONS]
    return {f"| {', '.join(map(page_name, as_list(one['Resource'])))} | {', '.join(one['Action'])} |" for one in named}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.stem)
def test_the_page_has_each_right_of_a_function_with_its_reason(policy: Path) -> None:
    section = PAGE.partition(f"\n### {policy.stem}\n")[2].partition("\n### ")[0]
    _, _, *lines = [line for line in section.splitlines() if line.startswith(("| ", "|-"))]
    cells = [line.strip("| ").split(" | ") for line in lines]
    assert {f"| {on} | {may} |" for on, may, *_ in cells} == rows_of(policy)
    assert all(len(reason) == 1 for _, _, *reason in cells)


def test_the_page_has_a_reason_for_each_wildcard() -> None:
    section = PAGE.partition("\n## Wildcards\n")[2].partition("\n## ")[0]
    assert {line.split("`")[1] for line in section.splitlines() if line.startswith("| `")} == set(WILD)


def test_the_functions_that_read_the_gateways_token_are_those_that_the_readme_names() -> None:
    readers = {policy.stem for policy in POLICIES if "/gateway-token" in policy.read_text()}
    assert readers == {"send_messages", "api_handler", "settle_receipts"}
    for name in ("README.md", "README.ru.md"):
        text = " ".join((ROOT / name).read_text().split())
        assert re.search(r"Two functions read the gateway's token|Токен шлюза читают две функции", text)
