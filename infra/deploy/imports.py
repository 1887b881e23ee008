"""Tables that exist and are in no stack: a deleted stack left them. The next change set must take them over.

CloudFormation takes over a table as it is and changes nothing in it, so one that lacks an index of this version would
lack it from then on.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .change_set import ChangeSet
from .errors import DeployFailed
from .template import TABLE, tables_of

DELETING = "DELETING"
"""The status of a table whose deletion has begun. DynamoDB refuses every change of it."""


def existing_tables(dynamodb: Any, names: set[str]) -> list[str]:
    """Of these names, those of tables that exist."""
    pages = dynamodb.get_paginator("list_tables").paginate()
    return sorted(names & {name for page in pages for name in page["TableNames"]})


def left_tables(
    cloudformation: Any, dynamodb: Any, template: Mapping[str, Any], stack_id: str | None
) -> dict[str, str]:
    """Logical ids and names of the template's tables that exist outside the stack. `stack_id`: None for no stack."""
    owned = set(_owned_tables(cloudformation, stack_id)) if stack_id else set()
    names = {name: str(table["Properties"]["TableName"]) for name, table in tables_of(template)}
    there = existing_tables(dynamodb, set(names.values()))
    return {name: table for name, table in names.items() if table in there and table not in owned}


def require_importable(dynamodb: Any, template: Mapping[str, Any], left: Mapping[str, str]) -> None:
    """Raises DeployFailed if a table that is to be taken over has other keys or indexes, or is being deleted."""
    wanted = {name: _shape(table["Properties"]) for name, table in tables_of(template)}
    found = {name: dynamodb.describe_table(TableName=table)["Table"] for name, table in left.items()}
    if going := [left[name] for name, table in found.items() if table["TableStatus"] == DELETING]:
        raise DeployFailed(f"tables are still being deleted: {', '.join(going)}. Repeat the command in some minutes")
    different = [left[name] for name, table in found.items() if _shape(table) != wanted[name]]
    if different:
        raise DeployFailed(
            f"tables that a deleted stack left are of another version, and CloudFormation takes over a table as it is: "
            f"{', '.join(different)}. Deploy the version that made them, then update to this one"
        )


def missing_imports(change_set: ChangeSet, left: Mapping[str, str]) -> list[str]:
    """The tables that exist and that the change set would make instead of importing them: it would fail halfway."""
    return sorted(left[name] for name in set(left) - set(change_set.imports))


def _owned_tables(cloudformation: Any, stack_id: str) -> Iterator[str]:
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_id):
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == TABLE and resource["ResourceStatus"] != "DELETE_COMPLETE":
                yield resource.get("PhysicalResourceId", "")


def _shape(table: Mapping[str, Any]) -> tuple[Any, ...]:
    """What only a new table can change: its key, and the names and keys of its indexes."""
    indexes = {one["IndexName"]: _key(one) for one in table.get("GlobalSecondaryIndexes", [])}
    return _key(table), indexes


def _key(keyed: Mapping[str, Any]) -> list[tuple[str, str]]:
    return sorted((one["KeyType"], one["AttributeName"]) for one in keyed["KeySchema"])
