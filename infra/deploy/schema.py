"""The version of the rows in the tables, as a tag of each table.

A version of the service that writes rows which earlier versions cannot read raises SCHEMA. A deploy of an earlier
version onto such tables is then refused before it changes anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .errors import DeployFailed
from .options import of_type

SCHEMA = 1
TAG = "notifications-schema"


def tag_tables(template: dict[str, Any]) -> None:
    """Add the tag to every table of the packaged template."""
    for _, table in of_type(template["Resources"], "AWS::DynamoDB::Table"):
        table["Tags"] = [schema_tag()]


def schema_tag() -> dict[str, str]:
    return {"Key": TAG, "Value": str(SCHEMA)}


def schema_of(dynamodb: Any, arn: str) -> int | None:
    """None for a table without the tag: 1.0.0 made it, or a restore. `dynamodb` is a client."""
    tags = dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
    return next((int(tag["Value"]) for tag in tags if tag["Key"] == TAG), None)


def require_known_schema(dynamodb: Any, names: Iterable[str]) -> None:
    """Raises DeployFailed if a table has rows of a later version. Tables that do not exist are passed over."""
    newer = []
    for name in sorted(names):
        try:
            arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
        except dynamodb.exceptions.ResourceNotFoundException:
            continue
        found = schema_of(dynamodb, arn)
        if found is not None and found > SCHEMA:
            newer.append(f"{name} ({found})")
    if newer:
        raise DeployFailed(
            f"this version knows rows up to schema {SCHEMA}, and these tables have later ones: {', '.join(newer)}. "
            f"Deploy the later version again, or restore the tables as they were before its deploy: docs/UPGRADE.md"
        )
