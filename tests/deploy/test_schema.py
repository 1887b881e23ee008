"""Every table says which version its rows have, and an earlier version is not deployed onto later rows."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from infra.deploy import DeployFailed
from infra.deploy.schema import SCHEMA, TAG, require_known_schema, schema_of, tag_tables

NAMES = ["notifications-prod-clients", "notifications-prod-users"]


@pytest.fixture
def dynamodb(aws: None) -> Any:
    return boto3.client("dynamodb")


def make_table(dynamodb: Any, name: str, schema: int | None) -> str:
    tags = [] if schema is None else [{"Key": TAG, "Value": str(schema)}]
    key = {"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "id", "KeyType": "HASH"}
    made = dynamodb.create_table(
        TableName=name, AttributeDefinitions=[key[0]], KeySchema=[key[1]], BillingMode="PAY_PER_REQUEST", Tags=tags
    )
    return str(made["TableDescription"]["TableArn"])


def test_every_table_of_a_template_is_tagged() -> None:
    template: dict[str, Any] = {"Resources": {"One": {"Type": "AWS::DynamoDB::Table", "Properties": {}}, "Other": {}}}
    tag_tables(template)
    assert template["Resources"]["One"]["Properties"]["Tags"] == [{"Key": TAG, "Value": str(SCHEMA)}]


@pytest.mark.parametrize("schema", [None, SCHEMA])
def test_tables_of_this_or_an_earlier_version_are_accepted(dynamodb: Any, schema: int | None) -> None:
    arn = make_table(dynamodb, NAMES[0], schema)
    assert schema_of(dynamodb, arn) == schema
    require_known_schema(dynamodb, NAMES)  # the other table does not exist yet


def test_a_deploy_onto_rows_of_a_later_version_is_refused_with_the_tables(dynamodb: Any) -> None:
    make_table(dynamodb, NAMES[0], SCHEMA)
    make_table(dynamodb, NAMES[1], SCHEMA + 1)
    with pytest.raises(DeployFailed, match=rf"these tables have later ones: {NAMES[1]} \({SCHEMA + 1}\)"):
        require_known_schema(dynamodb, NAMES)
