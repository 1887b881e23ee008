"""Tables that a deleted stack left are taken over by the next one, or nothing is changed."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from infra.deploy import DeployFailed
from infra.deploy.destroy import destroy
from infra.deploy.stack import change_stack, plan
from infra.deploy.states import find_stack

from .conftest import STACK_NAME, Cloud

CLIENTS = f"{STACK_NAME}-clients"
MESSAGES = f"{STACK_NAME}-messages"
KEY = {"block": {"N": "0"}, "id": {"N": "1"}}


def tables() -> list[str]:
    return sorted(boto3.client("dynamodb").list_tables()["TableNames"])


def protections() -> list[bool]:
    described = [boto3.client("dynamodb").describe_table(TableName=name)["Table"] for name in tables()]
    return [table["DeletionProtectionEnabled"] for table in described]


def test_a_stack_is_deleted_and_deployed_again_with_its_data(cloud: Cloud) -> None:
    change_stack(cloud.deployment(), cloud.said.append)
    boto3.client("dynamodb").put_item(TableName=CLIENTS, Item={**KEY, "op_code": {"S": "977"}})
    assert destroy(STACK_NAME, with_tables=False) == [CLIENTS, MESSAGES]
    assert cloud.said == []
    change_stack(cloud.deployment(), cloud.said.append)
    assert cloud.said == [f"taken over from a deleted stack: {CLIENTS}, {MESSAGES}"]
    assert boto3.client("dynamodb").get_item(TableName=CLIENTS, Key=KEY)["Item"]["op_code"] == {"S": "977"}
    assert cloud.status() == "CREATE_COMPLETE", "one change set: the tables kept their protection"
    assert protections() == [True, True]


def test_a_change_set_that_takes_nothing_over_is_not_executed(cloud: Cloud) -> None:
    change_stack(cloud.deployment())
    destroy(STACK_NAME, with_tables=False)
    cloud.cloudformation.imports = False
    with pytest.raises(DeployFailed, match=f"make tables that exist.*{CLIENTS}, {MESSAGES}.*Nothing was changed"):
        change_stack(cloud.deployment())
    assert cloud.cloudformation.change_sets == {}
    assert find_stack(boto3.client("cloudformation"), STACK_NAME) is None


def test_a_name_made_by_a_function_would_not_be_looked_up(cloud: Cloud) -> None:
    """Why the names are written into the template before the upload."""
    change_stack(cloud.deployment())
    destroy(STACK_NAME, with_tables=False)
    deployment = cloud.deployment()
    for table in ("ClientsTable", "MessagesTable"):
        name = deployment.template["Resources"][table]["Properties"]["TableName"]
        assert isinstance(name, str)
        assert name in tables()


def test_a_table_with_other_indexes_is_not_taken_over(cloud: Cloud) -> None:
    def without_indexes(template: dict[str, Any]) -> None:
        properties = template["Resources"]["ClientsTable"]["Properties"]
        keys = [one["AttributeName"] for one in properties["KeySchema"]]
        properties["AttributeDefinitions"] = [
            one for one in properties["AttributeDefinitions"] if one["AttributeName"] in keys
        ]
        del properties["GlobalSecondaryIndexes"]

    change_stack(cloud.deployment(without_indexes))
    destroy(STACK_NAME, with_tables=False)
    with pytest.raises(DeployFailed, match=f"another version.*{CLIENTS}. Deploy the version that made them"):
        change_stack(cloud.deployment())
    assert find_stack(boto3.client("cloudformation"), STACK_NAME) is None


def test_tables_that_are_still_being_deleted_are_not_taken_over(cloud: Cloud) -> None:
    """`make destroy TABLES=delete` was interrupted: an import would fail halfway, when they are gone."""

    def delete(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Table"]["TableStatus"] = "DELETING"

    change_stack(cloud.deployment())
    destroy(STACK_NAME, with_tables=False)
    boto3.DEFAULT_SESSION.events.register("after-call.dynamodb.DescribeTable", delete)
    with pytest.raises(DeployFailed, match=f"still being deleted: {CLIENTS}, {MESSAGES}. Repeat the command"):
        change_stack(cloud.deployment())
    assert find_stack(boto3.client("cloudformation"), STACK_NAME) is None


def test_the_tables_of_a_new_stack_are_protected_after_its_creation(cloud: Cloud) -> None:
    change_stack(cloud.deployment())
    assert cloud.status() == "UPDATE_COMPLETE"
    assert protections() == [True, True]
    assert cloud.cloudformation.stack(STACK_NAME).protected


def test_a_first_deploy_that_is_cut_off_before_the_protection_is_completed_by_the_next_one(cloud: Cloud) -> None:
    def cut_off() -> None:
        if len(cloud.asked("cloudformation.CreateChangeSet")) == 2:
            cloud.cloudformation.before_answers = lambda: None
            raise EndpointConnectionError(endpoint_url="https://cloudformation.eu-west-1.amazonaws.com")

    cloud.cloudformation.before_answers = cut_off
    with pytest.raises(EndpointConnectionError):
        change_stack(cloud.deployment())
    assert protections() == [False, False]
    change_stack(cloud.deployment())
    assert protections() == [True, True]
    assert cloud.cloudformation.stack(STACK_NAME).protected


def test_without_protection_a_new_stack_takes_one_change_set(cloud: Cloud) -> None:
    change_stack(cloud.deployment(DeletionProtection="false"))
    assert cloud.status() == "CREATE_COMPLETE"
    assert not cloud.cloudformation.stack(STACK_NAME).protected
    change_stack(cloud.deployment(DeletionProtection="true"))
    assert protections() == [True, True]
    change_stack(cloud.deployment(MessageRetentionDays="30"))
    assert protections() == [True, True], "a value that is not given is kept"


def test_a_table_that_a_failed_update_made_is_taken_over_by_the_next_one(cloud: Cloud) -> None:
    def without_messages(template: dict[str, Any]) -> None:
        del template["Resources"]["MessagesTable"]

    change_stack(cloud.deployment(without_messages))
    cloud.change_code()
    cloud.cloudformation.fails = {"SendMessages": "no such layer"}
    with pytest.raises(DeployFailed, match="undone; the stack is as it was before"):
        change_stack(cloud.deployment())
    assert tables() == [CLIENTS, MESSAGES]
    cloud.cloudformation.fails = {}
    change_stack(cloud.deployment(), cloud.said.append)
    assert cloud.said == [f"taken over from a deleted stack: {MESSAGES}"]


def test_a_plan_says_what_would_be_taken_over_and_leaves_nothing(cloud: Cloud) -> None:
    assert [line.split() for line in plan(cloud.deployment())] == [
        ["Add", "ClientsTable", "AWS::DynamoDB::Table"],
        ["Add", "MessagesTable", "AWS::DynamoDB::Table"],
        ["Add", "SendMessages", "AWS::Serverless::Function"],
    ]
    assert find_stack(boto3.client("cloudformation"), STACK_NAME) is None
    change_stack(cloud.deployment())
    assert plan(cloud.deployment()) == []
    destroy(STACK_NAME, with_tables=False)
    assert [line.split()[0] for line in plan(cloud.deployment())] == ["Import", "Import", "Add"]
    assert cloud.cloudformation.change_sets == {}
