"""The packaged template as it is uploaded: the tables have literal names, so that CloudFormation can import them.

CloudFormation imports existing resources only by a static name: a name made by a function is not looked up.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .package import ROOT

TABLE = "AWS::DynamoDB::Table"
STACK_NAME = "${AWS::StackName}"


def table_names(stack_name: str) -> set[str]:
    """The names that infra/stack.json gives to the tables of this stack."""
    template = json.loads((ROOT / "infra" / "stack.json").read_text(encoding="utf-8"))
    return {literal_name(table, stack_name) for _, table in tables_of(template)}


def name_tables(template: Mapping[str, Any], stack_name: str) -> None:
    """Write the names of this stack's tables into the template."""
    for _, table in tables_of(template):
        table["Properties"]["TableName"] = literal_name(table, stack_name)


def without_protection(template: Mapping[str, Any]) -> dict[str, Any]:
    """The same template with tables that can be deleted."""
    changed = copy.deepcopy(dict(template))
    for _, table in tables_of(changed):
        table["Properties"]["DeletionProtectionEnabled"] = False
    return changed


def tables_of(template: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Logical ids and resources."""
    for name, resource in template["Resources"].items():
        if resource.get("Type") == TABLE:
            yield name, resource


def literal_name(table: Mapping[str, Any], stack_name: str) -> str:
    name = table["Properties"]["TableName"]
    return name if isinstance(name, str) else str(name["Fn::Sub"]).replace(STACK_NAME, stack_name)
