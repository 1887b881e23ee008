"""Create or update a CloudFormation stack by a change set."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from .emulators import complete_api, complete_event_sources
from .errors import DeployFailed
from .package import ROOT, package

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
WAITER = {"Delay": 2, "MaxAttempts": 900}
"""Every two seconds, for half an hour."""
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


def deploy(stage: str, stack_name: str, parameters: Mapping[str, str], project: Path = ROOT) -> dict[str, str]:
    """Create or update the stack and return its outputs. Raises DeployFailed.

    Parameters that are not given keep their values. Tables that a deleted stack of this name left are imported.
    """
    out = package(stage, project)
    template = json.loads((out / "sam.json").read_text())
    url = upload(out, template, deploy_bucket(stack_name))
    apply(stack_name, url, {"Stage": stage, **parameters}, template["Parameters"])
    complete_event_sources(boto3.client("lambda"), stack_name)
    outputs = outputs_of(stack_name)
    complete_api(outputs["RestAPIId"], template["Resources"]["RestAPI"]["Properties"])
    return outputs


def deploy_bucket(stack_name: str) -> str:
    """The bucket of code and templates; it holds nothing else."""
    return f"{stack_name}-deploy-{boto3.client('sts').get_caller_identity()['Account']}"


def outputs_of(stack_name: str) -> dict[str, str]:
    stack = boto3.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def parameters_of(stack_name: str) -> dict[str, str] | None:
    """The current parameters; None if there is no stack, or its creation never started."""
    cloudformation = boto3.client("cloudformation")
    try:
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if stack["StackStatus"] == "REVIEW_IN_PROGRESS":
        return None
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack.get("Parameters", [])}


def upload(out: Path, template: dict[str, Any], bucket: str) -> str:
    """Upload code and template under their hashes; returns the URL of the template."""
    s3 = boto3.client("s3")
    _make_bucket(s3, bucket)
    code = (out / "deployment.zip").read_bytes()
    code_key = f"{hashlib.sha256(code).hexdigest()}.zip"
    s3.put_object(Bucket=bucket, Key=code_key, Body=code)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://{bucket}/{code_key}"
    body = json.dumps(template)
    template_key = f"{hashlib.sha256(body.encode()).hexdigest()}.json"
    s3.put_object(Bucket=bucket, Key=template_key, Body=body)
    url: str = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": template_key})
    return url.partition("?")[0]


def _make_bucket(s3: Any, bucket: str) -> None:
    """Create the bucket unless it exists. New buckets are encrypted; public access is blocked explicitly."""
    try:
        s3.head_bucket(Bucket=bucket)
        return
    except ClientError:
        region = s3.meta.region_name
    location: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **location)
    blocked = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocked)


def apply(stack_name: str, template_url: str, given: Mapping[str, str], known: Mapping[str, Any]) -> None:
    before = parameters_of(stack_name)
    kind = "create" if before is None else "update"
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    kept = set(known) & set(before or {}) - set(given)
    parameters += [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)]
    cloudformation = boto3.client("cloudformation")
    try:
        change_set = cloudformation.create_change_set(
            StackName=stack_name,
            ChangeSetName=f"deploy-{time.time_ns()}",
            ChangeSetType=kind.upper(),
            TemplateURL=template_url,
            Capabilities=CAPABILITIES,
            Parameters=parameters,
            ImportExistingResources=before is None,
        )["Id"]
        if not _is_worth_executing(cloudformation, change_set):
            return
        cloudformation.execute_change_set(ChangeSetName=change_set)
        cloudformation.get_waiter(f"stack_{kind}_complete").wait(StackName=stack_name, WaiterConfig=WAITER)
    except ClientError as error:
        raise DeployFailed(f"CloudFormation refused the stack: {error}") from error
    except WaiterError as error:
        raise DeployFailed(f"the stack could not be deployed: {_first_failure(stack_name)}") from error


def _is_worth_executing(cloudformation: Any, change_set: str) -> bool:
    """Wait until the change set is created. One without changes fails; it is deleted."""
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=change_set, WaiterConfig=WAITER)
    except WaiterError as error:
        reason = cloudformation.describe_change_set(ChangeSetName=change_set).get("StatusReason", "")
        cloudformation.delete_change_set(ChangeSetName=change_set)
        if any(text in reason for text in NO_CHANGES):
            return False
        raise DeployFailed(f"CloudFormation refused the change: {reason or error}") from error
    return True


def _first_failure(stack_name: str) -> str:
    events = boto3.client("cloudformation").describe_stack_events(StackName=stack_name)["StackEvents"]
    failures = [event for event in reversed(events) if event["ResourceStatus"].endswith("FAILED")]
    if not failures:
        return "CloudFormation gives no reason"
    return f"{failures[0]['LogicalResourceId']}: {failures[0].get('ResourceStatusReason', 'no reason given')}"
