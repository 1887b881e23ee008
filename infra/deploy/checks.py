"""Before anything is made: whose account, which settings, which rights. What is lacking is said all at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import BadSettings
from chalicelib.settings import LOCAL_STAGE, read_settings

from .errors import DeployFailed

LONGEST_STAGE = 16
"""A function may write into a log group named `notifications-<stage>-<function>-...`: longer names would be cut."""

STAGE = re.compile(rf"[a-z][a-z0-9-]{{0,{LONGEST_STAGE - 1}}}")
NEEDED = [
    "apigateway:POST",
    "cloudformation:CreateChangeSet",
    "cloudformation:ExecuteChangeSet",
    "cloudwatch:PutDashboard",
    "cloudwatch:PutMetricAlarm",
    "dynamodb:CreateTable",
    "events:PutRule",
    "iam:CreateRole",
    "iam:PassRole",
    "iam:PutRolePolicy",
    "lambda:CreateEventSourceMapping",
    "lambda:CreateFunction",
    "logs:CreateLogGroup",
    "s3:CreateBucket",
    "s3:PutObject",
    "scheduler:CreateScheduleGroup",
    "sns:CreateTopic",
    "sqs:CreateQueue",
    "ssm:PutParameter",
]
"""One for each kind of thing in the stack: whoever may make these may make the others of their kind as a rule."""


@dataclass(frozen=True)
class Account:
    """Where it goes: `arn` is who deploys."""

    number: str
    arn: str
    region: str


def stack_name_of(stage: str) -> str:
    """Stages live side by side: everything of a stage is named after its stack. Raises DeployFailed."""
    if not STAGE.fullmatch(stage) or stage == LOCAL_STAGE:
        raise DeployFailed(
            f"STAGE={stage or '?'}: a name such as prod or test-2, of at most {LONGEST_STAGE} characters, is expected, "
            f"but not {LOCAL_STAGE}: that is `make up`"
        )
    return f"notifications-{stage}"


def check_account() -> Account:
    try:
        sts = boto3.client("sts")
        caller = sts.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise DeployFailed(
            f"AWS does not know who asks: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (or AWS_PROFILE) and "
            f"AWS_DEFAULT_REGION ({error})"
        ) from error
    return Account(caller["Account"], caller["Arn"], sts.meta.region_name)


def read_parameters(
    environment: Mapping[str, str], known: Mapping[str, Any], before: Mapping[str, str] | None
) -> dict[str, str]:
    """The template's parameters from the environment: GatewayUrl is GATEWAY_URL. Raises DeployFailed.

    What is not there stays as it was, so `before` is checked with it.
    """
    given = {name: environment[_variable(name)] for name in known if environment.get(_variable(name), "") != ""}
    given.pop("Stage", None)
    lacking = [name for name, one in known.items() if "Default" not in one and name not in {*given, *(before or {})}]
    wrong = [f"{_variable(name)}: {known[name]['Description']}" for name in lacking if name != "Stage"]
    try:
        read_settings({_variable(name): value for name, value in {**(before or {}), **given}.items()})
    except BadSettings as bad:
        wrong.append(str(bad))
    if wrong:
        raise DeployFailed("; ".join(wrong))
    return given


def check_rights(account: Account) -> str | None:
    """Raises DeployFailed naming the rights that are lacking. A line for people where they could not be looked up."""
    if account.arn.endswith(":root"):
        return None
    try:
        pages = boto3.client("iam").get_paginator("simulate_principal_policy")
        answers = pages.paginate(PolicySourceArn=policy_source(account.arn), ActionNames=NEEDED)
        results = [one for page in answers for one in page["EvaluationResults"]]
    except (BotoCoreError, ClientError) as error:
        return f"rights are not checked beforehand: {error}"
    denied = [one["EvalActionName"] for one in results if one["EvalDecision"] != "allowed"]
    if denied:
        raise DeployFailed(f"{account.arn} lacks rights that the deploy needs: {', '.join(denied)}")
    return None


def policy_source(arn: str) -> str:
    """A session's rights are its role's."""
    session = re.fullmatch(r"arn:([^:]+):sts::([0-9]+):assumed-role/([^/]+)/.*", arn)
    return f"arn:{session[1]}:iam::{session[2]}:role/{session[3]}" if session else arn


def _variable(parameter: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", parameter).upper()
