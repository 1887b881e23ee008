"""Each status in which a stack cannot be deployed or deleted is named, with what to do and the first failure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.session import get_session

from infra.deploy import ROOT, DeployFailed
from infra.deploy.destroy import destroy
from infra.deploy.events import failures
from infra.deploy.stack import change_stack, parameters_of, require_ready
from infra.deploy.states import ADVICE, UPDATABLE, settle

from .conftest import STACK_NAME, Cloud
from .test_takeover import tables

STATUSES = set(get_session().get_service_model("cloudformation").shape_for("StackStatus").enum)
WORKING = {status for status in STATUSES if status.endswith("_IN_PROGRESS")} - {"REVIEW_IN_PROGRESS"}
WHAT_TO_DO = {
    "ROLLBACK_COMPLETE": "make destroy STAGE=prod",
    "CREATE_FAILED": "make destroy STAGE=prod",
    "ROLLBACK_FAILED": "make destroy STAGE=prod",
    "DELETE_FAILED": "make destroy STAGE=prod",
    "UPDATE_FAILED": "aws cloudformation rollback-stack --stack-name notifications-prod",
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name notifications-prod",
    "IMPORT_ROLLBACK_FAILED": "aws cloudformation describe-stack-events --stack-name notifications-prod",
}
"""Written out: the commands are copied into a shell."""


def test_every_status_is_either_updatable_or_explained() -> None:
    assert set(WHAT_TO_DO) == set(ADVICE)
    assert set(ADVICE) | UPDATABLE | WORKING | {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"} == STATUSES


@pytest.mark.parametrize("status", sorted(WHAT_TO_DO))
def test_a_stack_that_cannot_be_updated_is_named_with_what_to_do(cloud: Cloud, status: str) -> None:
    stack = cloud.cloudformation.add_stack(STACK_NAME, "UPDATE_IN_PROGRESS")
    stack.add_event("SendQueue", "AWS::SQS::Queue", "UPDATE_FAILED", "the quota is used up")
    stack.move(status)
    with pytest.raises(DeployFailed) as failed:
        require_ready(STACK_NAME)
    text = str(failed.value)
    assert f"{STACK_NAME} is in the status {status}: " in text
    assert f"`{WHAT_TO_DO[status]}`" in text
    assert text.endswith("The first failure: SendQueue (AWS::SQS::Queue): the quota is used up")


@pytest.mark.parametrize("status", sorted(WORKING))
def test_a_stack_in_progress_is_neither_deployed_nor_deleted(cloud: Cloud, status: str) -> None:
    cloud.cloudformation.add_stack(STACK_NAME, status)
    for refused in (lambda: require_ready(STACK_NAME), lambda: destroy(STACK_NAME, with_tables=True)):
        with pytest.raises(DeployFailed, match=f"{status}: CloudFormation is still working on it"):
            refused()
    assert cloud.asked("cloudformation.DeleteStack") == []


@pytest.mark.parametrize("status", sorted(UPDATABLE))
def test_a_stack_that_is_complete_or_undone_can_be_updated(cloud: Cloud, status: str) -> None:
    cloud.cloudformation.add_stack(STACK_NAME, status)
    require_ready(STACK_NAME)


def test_a_stack_without_resources_is_as_good_as_none(cloud: Cloud) -> None:
    cloud.cloudformation.add_stack(STACK_NAME, "REVIEW_IN_PROGRESS")
    require_ready(STACK_NAME)
    assert parameters_of(STACK_NAME) is None
    change_stack(cloud.deployment())
    assert cloud.status() == "UPDATE_COMPLETE"


def test_a_first_deploy_that_fails_leaves_nothing_and_can_be_repeated(cloud: Cloud) -> None:
    cloud.cloudformation.fails = {"SendMessages": "Specified ConcurrentExecutions exceeds the account's limit."}
    with pytest.raises(DeployFailed) as failed:
        change_stack(cloud.deployment())
    assert "ROLLBACK_COMPLETE" in str(failed.value)
    assert "SendMessages (AWS::Serverless::Function): Specified ConcurrentExecutions" in str(failed.value)
    assert tables() == [], "empty tables of a failed creation are deleted: they are not protected yet"
    with pytest.raises(DeployFailed, match=r"can only be deleted\. Run `make destroy STAGE=prod`"):
        require_ready(STACK_NAME)
    cloud.cloudformation.fails = {}
    destroy(STACK_NAME, with_tables=False)
    change_stack(cloud.deployment())
    assert cloud.status() == "UPDATE_COMPLETE"


def test_a_takeover_that_fails_deletes_no_table(cloud: Cloud) -> None:
    change_stack(cloud.deployment())
    destroy(STACK_NAME, with_tables=False)
    before = tables()
    cloud.cloudformation.fails = {"SendMessages": "no rights"}
    with pytest.raises(DeployFailed, match="no rights"):
        change_stack(cloud.deployment())
    assert tables() == before
    executed = [one["RetainExceptOnCreate"] for one in cloud.asked("cloudformation.ExecuteChangeSet")]
    assert executed == [True, False, False], "the creation, the protection, the takeover"


def test_an_update_that_fails_names_its_own_first_failure_from_all_pages(cloud: Cloud) -> None:
    change_stack(cloud.deployment())
    cloud.cloudformation.fails = {"SendMessages": "an old failure"}
    with pytest.raises(DeployFailed):
        change_stack(cloud.deployment(MessageRetentionDays="30"))
    cloud.cloudformation.page_size = 2
    cloud.cloudformation.fails = {"ClientsTable": "the new failure"}
    with pytest.raises(DeployFailed) as failed:
        change_stack(cloud.deployment(MessageRetentionDays="31"))
    assert "undone" in str(failed.value)
    assert str(failed.value).endswith("The first failure: ClientsTable (AWS::DynamoDB::Table): the new failure")
    assert "Resource creation cancelled" not in str(failed.value)
    cloud.cloudformation.fails = {}
    change_stack(cloud.deployment(MessageRetentionDays="31"))
    assert cloud.status() == "UPDATE_COMPLETE"


def test_of_an_old_operation_no_page_is_read(cloud: Cloud) -> None:
    change_stack(cloud.deployment())
    cloud.cloudformation.page_size = 1
    cloud.calls.clear()
    stack = cloud.cloudformation.stack(STACK_NAME)
    stack.move("UPDATE_IN_PROGRESS")
    stack.add_event("SendQueue", "AWS::SQS::Queue", "UPDATE_FAILED", "why")
    assert "why" in failures(boto3.client("cloudformation"), stack.id)
    assert len(cloud.asked("cloudformation.DescribeStackEvents")) == 2 < len(stack.events)


def test_a_rollback_that_stops_is_named_with_both_failures(cloud: Cloud) -> None:
    change_stack(cloud.deployment())
    cloud.cloudformation.fails = {"SendMessages": "no rights"}
    cloud.cloudformation.rollback_fails = {"ClientsTable": "the table is being updated"}
    with pytest.raises(DeployFailed) as failed:
        change_stack(cloud.deployment(MessageRetentionDays="30"))
    text = str(failed.value)
    assert "UPDATE_ROLLBACK_FAILED" in text
    assert "The first failure: SendMessages (AWS::Serverless::Function): no rights" in text
    assert "Its rollback stopped at: ClientsTable (AWS::DynamoDB::Table): the table is being updated" in text


def test_a_deletion_that_stops_is_named_and_can_be_repeated(cloud: Cloud) -> None:
    change_stack(cloud.deployment())
    cloud.cloudformation.deletion_fails = {"SendMessages": "the function is in use"}
    with pytest.raises(DeployFailed) as failed:
        destroy(STACK_NAME, with_tables=False)
    assert "DELETE_FAILED" in str(failed.value)
    assert "SendMessages (AWS::Serverless::Function): the function is in use" in str(failed.value)
    with pytest.raises(DeployFailed, match="deletion stopped halfway"):
        require_ready(STACK_NAME)
    cloud.cloudformation.deletion_fails = {}
    destroy(STACK_NAME, with_tables=False)


def test_a_protected_stack_is_deleted_by_the_tool_only(cloud: Cloud) -> None:
    change_stack(cloud.deployment())
    with pytest.raises(Exception, match="TerminationProtection is enabled"):
        boto3.client("cloudformation").delete_stack(StackName=STACK_NAME)
    assert destroy(STACK_NAME, with_tables=True) == []


def test_an_operation_is_awaited_until_it_has_ended(cloud: Cloud) -> None:
    stack = cloud.cloudformation.add_stack(STACK_NAME, "CREATE_COMPLETE")
    stack.pending = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"]
    assert settle(boto3.client("cloudformation"), stack.id, pause=0)["StackStatus"] == "CREATE_COMPLETE"


def test_a_change_set_without_changes_is_no_failure(cloud: Cloud) -> None:
    change_stack(cloud.deployment())
    change_stack(cloud.deployment())
    assert cloud.cloudformation.change_sets == {}


def test_a_refused_change_set_of_a_new_stack_leaves_no_stack(cloud: Cloud) -> None:
    change_stack(cloud.deployment())
    destroy(STACK_NAME, with_tables=False)
    deployment = cloud.deployment(lambda template: template["Resources"]["ClientsTable"].pop("DeletionPolicy"))
    with pytest.raises(DeployFailed, match="refused the change: ClientsTable must have the DeletionPolicy"):
        change_stack(deployment)
    require_ready(STACK_NAME)
    assert parameters_of(STACK_NAME) is None


def test_the_page_has_every_status_with_its_command() -> None:
    page = (ROOT / "docs" / "DEPLOY.md").read_text()
    rows = [
        row for row in page.partition("## When a deploy fails")[2].partition("\n## ")[0].splitlines() if "| `" in row
    ]
    for status, command in WHAT_TO_DO.items():
        (row,) = [row for row in rows if f"`{status}`" in row.split("|")[1]]
        assert command in row or "the same" in row


def test_a_deletion_that_was_interrupted_while_it_deleted_a_table_goes_on(cloud: Cloud) -> None:
    change_stack(cloud.deployment())
    destroy(STACK_NAME, with_tables=False)
    first, second = tables()
    deleting = SimpleNamespace(status_code=200), {"Table": {"TableStatus": "DELETING"}}
    gone = SimpleNamespace(status_code=400), {"Error": {"Code": "ResourceNotFoundException", "Message": "gone"}}
    answers = [deleting, gone]

    def answer(model: Any, context: dict[str, Any], **_: Any) -> Any:
        is_asked = model.name == "DescribeTable" and context["asked"]["TableName"] == first
        return answers.pop(0) if is_asked else None

    boto3.DEFAULT_SESSION.events.register("before-call.dynamodb", answer)
    destroy(STACK_NAME, with_tables=True)
    assert [asked["TableName"] for asked in cloud.asked("dynamodb.UpdateTable")][-1] == second
    assert [asked["TableName"] for asked in cloud.asked("dynamodb.DeleteTable")] == [second]
