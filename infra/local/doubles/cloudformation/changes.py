"""How the double compares a template with its stack, and carries changes out. Of all resources only tables are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from .records import ChangeSet, Stack

TABLE = "AWS::DynamoDB::Table"
RETAINED = ("Retain", "RetainExceptOnCreate")
MADE_WITH = ("KeySchema", "AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes")
NOTHING = "The submitted information didn't contain changes. Submit different information to create a change set."
DONE = {"Add": "CREATE_COMPLETE", "Import": "IMPORT_COMPLETE", "Modify": "UPDATE_COMPLETE"}


def compare(change_set: ChangeSet, imports: bool) -> None:
    """Fill the change set. An existing table is imported if its name is written as it is, not made by a function."""
    stack, new = change_set.stack, change_set.template["Resources"]
    old, existing = stack.template["Resources"], _tables() if imports else set()
    for name, resource in new.items():
        there = resource["Type"] == TABLE and _static_name(resource) in existing
        if name not in old:
            change_set.add("Import" if there else "Add", name, resource["Type"])
            if there and resource.get("DeletionPolicy") not in RETAINED:
                change_set.fail(f"{name} must have the DeletionPolicy attribute set to 'Retain'")
        elif resource != old[name] or change_set.parameters != stack.parameters:
            change_set.add("Modify", name, resource["Type"])
    for name in set(old) - set(new):
        change_set.add("Remove", name, old[name]["Type"])
    if not change_set.changes:
        change_set.fail(NOTHING)


def carry_out(change_set: ChangeSet, until: str | None = None) -> None:
    """Carry the changes out in their order, as far as the resource `until`, which fails."""
    for change in change_set.changes:
        one = change["ResourceChange"]
        if one["LogicalResourceId"] == until:
            return
        _carry_out(change_set, one["Action"], one["LogicalResourceId"], one["ResourceType"])
    change_set.stack.template, change_set.stack.parameters = change_set.template, change_set.parameters


def undo(change_set: ChangeSet, name: str, deletes_tables: bool) -> bool:
    """Undo the creation of a resource. Returns False if it cannot be deleted."""
    stack = change_set.stack
    if change_set.kind(name) == TABLE and deletes_tables:
        try:
            boto3.client("dynamodb").delete_table(TableName=stack.resources[name])
        except ClientError as error:
            stack.add_event(name, TABLE, "DELETE_FAILED", str(error))
            return False
    del stack.resources[name]
    return True


def delete(stack: Stack, name: str, reason: str) -> None:
    """A `reason` is why it fails. Retained tables stay."""
    resource = stack.template["Resources"][name]
    if reason:
        stack.add_event(name, resource["Type"], "DELETE_FAILED", reason)
        return
    kept = resource.get("DeletionPolicy") in RETAINED
    stack.add_event(name, resource["Type"], "DELETE_SKIPPED" if kept else "DELETE_COMPLETE")
    del stack.resources[name]


def _carry_out(change_set: ChangeSet, action: str, name: str, kind: str) -> None:
    stack = change_set.stack
    if action == "Remove":
        stack.resources.pop(name, None)
        return
    is_table = kind == TABLE
    stack.resources[name] = _make_table(change_set, name, action) if is_table else f"{stack.name}-{name}"
    stack.add_event(name, kind, DONE[action])


def _make_table(change_set: ChangeSet, name: str, action: str) -> str:
    """An imported table is taken as it is."""
    properties = change_set.template["Resources"][name]["Properties"]
    dynamodb, protected = boto3.client("dynamodb"), _is_true(properties["DeletionProtectionEnabled"], change_set)
    table = str(properties["TableName"])
    if action == "Add":
        made = {key: properties[key] for key in MADE_WITH if key in properties}
        dynamodb.create_table(TableName=table, **made, DeletionProtectionEnabled=protected)
    elif action == "Modify":
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=protected)
    return table


def _is_true(value: Any, change_set: ChangeSet) -> bool:
    """A property that is written as it is, or that refers to a parameter."""
    return change_set.parameters[value["Ref"]] == "true" if isinstance(value, dict) else bool(value)


def _static_name(table: Mapping[str, Any]) -> str:
    name = table["Properties"]["TableName"]
    return name if isinstance(name, str) else ""


def _tables() -> set[str]:
    return set(boto3.client("dynamodb").list_tables()["TableNames"])
