"""Create or update a CloudFormation stack by a change set."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3

from .api_settings import mark_callers
from .change_set import ChangeSet, create_change_set, discard, execute
from .code_bucket import code_bucket, supersede, upload, upload_template
from .emulators import complete_api, complete_event_sources
from .errors import DeployFailed
from .events import failures
from .gradual import publish_gradually
from .imports import left_tables, missing_imports, require_importable
from .package import ROOT, package
from .schema import require_known_schema
from .stack_settings import EXTRA_TEMPLATE, StackSettings, merge_extra, read_extra_template
from .states import REVIEW, explain, find_stack, require_updatable, settle
from .template import name_tables, table_names, without_protection

PLAIN = StackSettings()
PROTECTION = "DeletionProtection"
UNDONE = "UPDATE_ROLLBACK_COMPLETE"
DONE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
Say = Callable[[str], None]


@dataclass(frozen=True)
class Deployment:
    """What is to be deployed: the packaged template with literal names of tables, its address, and its parameters."""

    stack_name: str
    template: Mapping[str, Any]
    url: str
    parameters: Mapping[str, str]
    settings: StackSettings = PLAIN

    def uploaded_again(self, template: Mapping[str, Any]) -> Deployment:
        """The same deployment with another template."""
        return replace(self, template=template, url=upload_template(template, code_bucket(self.stack_name)))


def deploy(
    stage: str,
    stack_name: str,
    parameters: Mapping[str, str],
    project: Path = ROOT,
    say: Say = print,
    settings: StackSettings = PLAIN,
) -> dict[str, str]:
    """Create or update the stack and return its outputs. Raises DeployFailed.

    Parameters that are not given keep their values. Tables that a deleted stack of this name left are taken over.
    """
    require_ready(stack_name)
    deployment = prepare(stage, stack_name, parameters, project, settings)
    change_stack(deployment, say)
    supersede(code_bucket(stack_name), deployment.url, deployment.template)
    complete_event_sources(boto3.client("lambda"), stack_name)
    outputs = outputs_of(stack_name)
    complete_api(outputs["RestAPIId"], deployment.template["Resources"]["RestAPI"]["Properties"])
    return outputs


def require_ready(stack_name: str) -> None:
    """Raises DeployFailed if CloudFormation cannot create or update the stack now."""
    cloudformation = boto3.client("cloudformation")
    stack = find_stack(cloudformation, stack_name)
    if stack is not None and stack["StackStatus"] != REVIEW:
        require_updatable(cloudformation, stack)


def prepare(
    stage: str,
    stack_name: str,
    parameters: Mapping[str, str],
    project: Path = ROOT,
    settings: StackSettings = PLAIN,
) -> Deployment:
    """Package and upload."""
    require_known_schema(boto3.client("dynamodb"), table_names(stack_name))
    values = {**(parameters_of(stack_name) or {}), "Stage": stage, **parameters}
    extra = read_extra_template(values.get(EXTRA_TEMPLATE, ""), project)
    out = package(stage, project)
    template = merge_extra(json.loads((out / "sam.json").read_text()), extra)
    name_tables(template, stack_name)
    mark_callers(template, values)
    publish_gradually(template, values, out / "deployment.zip")
    url = upload(out, template, code_bucket(stack_name))
    given = {name: value for name, value in parameters.items() if value or name in template["Parameters"]}
    return Deployment(stack_name, template, url, {"Stage": stage, **given}, settings)


def plan(deployment: Deployment) -> list[str]:
    """What a deploy would change, one line for each resource. Nothing but the upload remains of it."""
    change_set = _checked_change_set(deployment)
    if change_set is None:
        return []
    discard(boto3.client("cloudformation"), change_set)
    return [str(change) for change in change_set.changes]


def change_stack(deployment: Deployment, say: Say = print) -> None:
    """Raises DeployFailed with the first failure.

    DynamoDB refuses to delete a protected table, so the creation of a new stack could not be undone: its tables are
    protected by a second change set, or by the next deploy if this one is cut off before. Tables that are taken over
    keep their protection throughout.
    """
    name = deployment.stack_name
    before = parameters_of(name)
    protected = _value(deployment, before or {}, PROTECTION) == "true"
    if protected and before is None and not _left(deployment):
        _apply(deployment.uploaded_again(without_protection(deployment.template)), say)
    _apply(deployment, say)
    protect_stack(name, protected)


def protect_stack(stack_name: str, protected: bool) -> None:
    """Whether CloudFormation refuses to delete the stack; `make destroy` removes this protection itself."""
    cloudformation = boto3.client("cloudformation")
    stack = find_stack(cloudformation, stack_name)
    if stack is not None and stack.get("EnableTerminationProtection", False) != protected:
        cloudformation.update_termination_protection(StackName=stack_name, EnableTerminationProtection=protected)


def outputs_of(stack_name: str) -> dict[str, str]:
    stack = boto3.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def parameters_of(stack_name: str) -> dict[str, str] | None:
    """The current parameters; None if there is no stack, or its creation never started."""
    stack = find_stack(boto3.client("cloudformation"), stack_name)
    if stack is None or stack["StackStatus"] == REVIEW:
        return None
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in stack.get("Parameters", [])}


def _apply(deployment: Deployment, say: Say) -> None:
    cloudformation = boto3.client("cloudformation")
    left = _left(deployment)
    change_set = _checked_change_set(deployment)
    if change_set is None:
        return
    if change_set.imports:
        say(f"taken over from a deleted stack: {', '.join(sorted(left[name] for name in change_set.imports))}")
    execute(cloudformation, change_set)
    stack = settle(cloudformation, change_set.stack_id)
    if stack["StackStatus"] == UNDONE:
        reason = failures(cloudformation, stack["StackId"])
        raise DeployFailed(f"the update failed and was undone; the stack is as it was before. {reason}")
    if stack["StackStatus"] not in DONE:
        raise DeployFailed(explain(cloudformation, stack))


def _checked_change_set(deployment: Deployment) -> ChangeSet | None:
    """None if there is nothing to change. Raises DeployFailed if tables that exist would not be taken over."""
    cloudformation = boto3.client("cloudformation")
    left = _left(deployment)
    require_importable(boto3.client("dynamodb"), deployment.template, left)
    before = parameters_of(deployment.stack_name)
    parameters = _change_set_parameters(deployment, before or {})
    name, url = deployment.stack_name, deployment.url
    creates = before is None
    change_set = create_change_set(cloudformation, name, url, parameters, creates, deployment.settings)
    if change_set is not None and (missing := missing_imports(change_set, left)):
        discard(cloudformation, change_set)
        raise DeployFailed(
            f"CloudFormation would make tables that exist, instead of taking them over: {', '.join(missing)}. Nothing "
            "was changed. Tables that are not needed can be deleted one by one"
        )
    return change_set


def _change_set_parameters(deployment: Deployment, before: Mapping[str, str]) -> list[dict[str, Any]]:
    given = deployment.parameters
    parameters: list[dict[str, Any]] = [{"ParameterKey": key, "ParameterValue": given[key]} for key in given]
    kept = set(deployment.template["Parameters"]) & set(before) - set(given)
    return parameters + [{"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)]


def _left(deployment: Deployment) -> dict[str, str]:
    cloudformation = boto3.client("cloudformation")
    stack = find_stack(cloudformation, deployment.stack_name)
    stack_id = stack["StackId"] if stack else None
    return left_tables(cloudformation, boto3.client("dynamodb"), deployment.template, stack_id)


def _value(deployment: Deployment, before: Mapping[str, str], name: str) -> str:
    """The value that a parameter gets: the given one, the one of the last deploy, or the default."""
    default = str(deployment.template["Parameters"].get(name, {}).get("Default", ""))
    return deployment.parameters.get(name) or before.get(name) or default
