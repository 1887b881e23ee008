"""A rehearsal in a throw-away account: what emulators cannot prove is done once on AWS, each step checked.

It deploys a stage that must not exist, lets deploys fail on purpose, deletes the stage and takes its tables over, and
removes everything at the end. docs/FIRST_ACCOUNT.md says how to run it and what to expect.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from . import rehearsal_job as job
from .code_bucket import code_bucket, exists
from .destroy import destroy, existing_tables
from .errors import DeployFailed
from .stack import PLAIN, Deployment, change_stack, deploy, parameters_of, prepare
from .stack_settings import StackSettings
from .states import find_stack
from .stored_secrets import has_gateway_token, put_secrets
from .template import table_names, tables_of

FAILURE = "RehearsedFailure"
HANDLE = "RehearsedFailureHandle"
PHONES = ("79990000001", "79990000002")
HEAD = f"| {'Step':<42} | {'':<6} | {'':>8} | Seen |\n|---|---|---:|---|"
CHANGED = {"MessageRetentionDays": "30"}
"""A parameter of the update that fails: it must have its old value afterwards."""


@dataclass(frozen=True)
class Result:
    """`seen`: what was found, or why the step failed."""

    step: str
    passed: bool
    seen: str
    seconds: float


@dataclass
class Rehearsal:
    """`parameters`: those of a deploy. `said`: what the deploys of the steps have said."""

    stage: str
    stack_name: str
    parameters: Mapping[str, str]
    gateway_tokens: Mapping[str, str]
    settings: StackSettings = PLAIN
    said: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("a first deploy that fails leaves no table", self.fail_first_deploy),
            ("the stack that failed is deleted", self.destroy_failed),
            ("deploy", self.deploy),
            ("a mailing reaches its client", self.send_first),
            ("destroy: the tables stay", self.destroy),
            ("deploy: the tables are taken over", self.take_over),
            ("the tables are those of the template", self.compare_tables),
            ("an update that fails is undone", self.fail_update),
            ("an update after it, and another mailing", self.update),
            ("destroy with tables: nothing is left", self.destroy_all),
        ]

    def fail_first_deploy(self) -> str:
        receipts, key = self.parameters.get("Receipts") == "true", self.parameters.get("KmsKeyArn", "")
        put_secrets(self.stack_name, self.gateway_tokens, receipts, key)
        reason = self._fail(self.parameters)
        self._require(self._status() == "ROLLBACK_COMPLETE", f"the status is {self._status()}: {reason}")
        self._require(FAILURE in reason, f"the reason is not that of the failure: {reason}")
        left = existing_tables(self.stack_name)
        self._require(not left, f"tables are left: {', '.join(left)}")
        return "ROLLBACK_COMPLETE, no tables"

    def destroy_failed(self) -> str:
        destroy(self.stack_name, with_tables=False)
        self._require(self._status() is None, f"the status is {self._status()}")
        return "no stack"

    def deploy(self) -> str:
        self._deploy(self.parameters)
        stack = find_stack(boto3.client("cloudformation"), self.stack_name) or {}
        self._require(bool(stack.get("EnableTerminationProtection")), "the stack has no termination protection")
        self._require(all(self._protected()), "a table is not protected")
        return f"version {self.outputs['Version']}, {len(self._protected())} tables, all protected"

    def send_first(self) -> str:
        api = job.open_api(self.outputs)
        job.add_client(api, PHONES[0])
        return job.require_sent(job.send_mailing(api, "rehearsal 1"), 1)

    def destroy(self) -> str:
        left = destroy(self.stack_name, with_tables=False)
        self._require(set(left) == table_names(self.stack_name), f"only these tables are left: {', '.join(left)}")
        return f"{len(left)} tables"

    def take_over(self) -> str:
        self.said.clear()
        self._deploy(self.parameters)
        missing = [table for table in table_names(self.stack_name) if table not in " ".join(self.said)]
        self._require(not missing, f"not taken over: {', '.join(missing)}")
        found = job.clients(job.open_api(self.outputs))
        self._require(found == [PHONES[0]], f"the clients are {found}")
        return f"{self._status()}, all tables, the client is there"

    def compare_tables(self) -> str:
        """AWS recommends this after an import."""
        cloudformation = boto3.client("cloudformation")
        statuses: dict[str, str] = {}
        for name, _ in tables_of(
            prepare(self.stage, self.stack_name, self.parameters, settings=self.settings).template
        ):
            drift = cloudformation.detect_stack_resource_drift(StackName=self.stack_name, LogicalResourceId=name)
            statuses[name] = drift["StackResourceDrift"]["StackResourceDriftStatus"]
        different = {name: status for name, status in statuses.items() if status != "IN_SYNC"}
        self._require(not different, f"drift: {different}")
        return f"{len(statuses)} tables IN_SYNC"

    def fail_update(self) -> str:
        reason = self._fail({**self.parameters, **CHANGED})
        self._require("was undone" in reason and FAILURE in reason, f"the reason is {reason}")
        after = parameters_of(self.stack_name) or {}
        self._require(after.get("MessageRetentionDays") != "30", "the parameter of the failed update is kept")
        found = job.clients(job.open_api(self.outputs))
        self._require(found == [PHONES[0]], f"the clients are {found}")
        return f"{self._status()}, the API answers"

    def update(self) -> str:
        self._deploy(CHANGED)
        api = job.open_api(self.outputs)
        job.add_client(api, PHONES[1])
        sent = job.require_sent(job.send_mailing(api, "rehearsal 2"), 2)
        return f"{self._status()}, {sent}"

    def destroy_all(self) -> str:
        left = destroy(self.stack_name, with_tables=True)
        self._require(not left, f"tables are left: {', '.join(left)}")
        self._require(self._status() is None, f"the status is {self._status()}")
        self._require(not has_gateway_token(self.stack_name), "the token of the gateway is left")
        self._require(not exists(code_bucket(self.stack_name)), "the bucket of the code is left")
        return "no stack, no tables, no secrets, no bucket"

    def _deploy(self, parameters: Mapping[str, str]) -> None:
        self.outputs = deploy(self.stage, self.stack_name, parameters, say=self.said.append, settings=self.settings)

    def _fail(self, parameters: Mapping[str, str]) -> str:
        """Deploy with a resource that fails after the tables are made. Returns the error."""
        deployment = prepare(self.stage, self.stack_name, parameters, settings=self.settings)
        try:
            change_stack(with_failure(deployment), self.said.append)
        except DeployFailed as failed:
            return str(failed)
        raise DeployFailed("the deploy did not fail")

    def _status(self) -> str | None:
        stack = find_stack(boto3.client("cloudformation"), self.stack_name)
        return None if stack is None else str(stack["StackStatus"])

    def _protected(self) -> list[bool]:
        dynamodb = boto3.client("dynamodb")
        tables = [dynamodb.describe_table(TableName=name)["Table"] for name in existing_tables(self.stack_name)]
        return [bool(table.get("DeletionProtectionEnabled")) for table in tables]

    def _require(self, is_so: bool, otherwise: str) -> None:
        if not is_so:
            raise DeployFailed(otherwise)


def with_failure(deployment: Deployment) -> Deployment:
    """The template with a condition that nobody fulfils: CloudFormation waits for it for a second, then rolls back."""
    template: dict[str, Any] = {**deployment.template, "Resources": dict(deployment.template["Resources"])}
    template["Resources"][HANDLE] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    template["Resources"][FAILURE] = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": [name for name, _ in tables_of(template)],
        "Properties": {"Handle": {"Ref": HANDLE}, "Timeout": "1"},
    }
    return deployment.uploaded_again(template)


def require_unused(stack_name: str) -> None:
    """Raises DeployFailed unless the stage is a new one: a rehearsal deletes all that it finds."""
    found = [f"the table {table}" for table in existing_tables(stack_name)]
    found += ["the stack"] if find_stack(boto3.client("cloudformation"), stack_name) else []
    found += ["its secrets"] if has_gateway_token(stack_name) else []
    if found:
        raise DeployFailed(
            f"{stack_name} exists ({', '.join(found)}), and a rehearsal deletes everything at its end: choose a stage "
            "that does not exist"
        )


def rehearse(rehearsal: Rehearsal, say: Callable[[str], None] = print) -> list[Result]:
    """Take the steps in their order. After one that fails no other is taken, so that a person can look."""
    results: list[Result] = []
    say(HEAD)
    for name, take in rehearsal.steps():
        began = time.monotonic()
        try:
            seen, passed = take(), True
        except (DeployFailed, ClientError, BotoCoreError, OSError) as error:
            seen, passed = str(error), False
        results.append(Result(name, passed, seen, time.monotonic() - began))
        say(row(results[-1]))
        if not passed:
            break
    return results


def row(result: Result) -> str:
    return f"| {result.step:<42} | {'ok' if result.passed else 'FAILED':<6} | {result.seconds:6.0f} s | {result.seen} |"
