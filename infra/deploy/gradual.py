"""Gradual deploys of the API: CodeDeploy moves requests to the new code in steps, and back if an alarm goes off.

It is added to the template of a deploy that asks for it, and not to infra/stack.json: conditions cannot turn an alias
on and off, because SAM makes it before CloudFormation decides about conditions. Without it the template has nothing of
it. The functions behind queues and schedules are updated at once: nothing routes to two versions of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .options import limit_roles

PARAMETER = "GradualDeploy"
STEPS = [
    *(f"Canary10Percent{minutes}Minutes" for minutes in (5, 10, 15, 30)),
    "Linear10PercentEvery1Minute",
    *(f"Linear10PercentEvery{minutes}Minutes" for minutes in (2, 3)),
]
PARAMETERS = {
    PARAMETER: {
        "Type": "String",
        "Default": "",
        "AllowedValues": ["", *STEPS],
        "Description": "Steps in which the API gets its new code, such as Canary10Percent5Minutes. Empty: at once",
    }
}
"""Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/automating-updates-to-serverless-apps.html"""

FUNCTIONS = ("APIHandler", "TokenAuth")
"""Those that API Gateway invokes."""

ALARMS = ("ApiErrorsAlarm", "TokenAuthErrorsAlarm")
"""If one of them goes off, the deploy is undone."""

ALIAS = "live"
ROLE = "GradualDeployRole"


def publish_gradually(template: dict[str, Any], values: Mapping[str, str], code: Path) -> None:
    """Change the template in place, if `values`, the parameters of the deploy, ask for it. `code`: the zip."""
    steps = values.get(PARAMETER, "")
    if not steps:
        return
    template["Parameters"] |= PARAMETERS
    template["Outputs"][PARAMETER] = {"Value": {"Ref": PARAMETER}}
    resources = template["Resources"]
    resources[ROLE] = _role()
    limit_roles(resources)
    published = {"AutoPublishAlias": ALIAS, "AutoPublishCodeSha256": _digest(template, values, code)}
    for function in FUNCTIONS:
        resources[function]["Properties"] |= published | {"DeploymentPreference": _preference(steps)}
        resources[f"{function}InvokePermission"]["Properties"]["FunctionName"] = {"Ref": _alias(function)}
    _call_aliases(resources["RestAPI"]["Properties"])


def _alias(function: str) -> str:
    """The logical id that SAM gives to the alias; its Ref is the ARN.

    Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources-function.html
    """
    return f"{function}Alias{ALIAS}"


def _preference(steps: str) -> dict[str, Any]:
    alarms = [{"Ref": alarm} for alarm in ALARMS]
    return {"Type": steps, "Alarms": alarms, "Role": {"Fn::GetAtt": [ROLE, "Arn"]}}


def _call_aliases(api: dict[str, Any]) -> None:
    """API Gateway invokes the aliases: in all routes, and as authorizer."""
    text = json.dumps(api["DefinitionBody"])
    for function in FUNCTIONS:
        text = text.replace(f"${{{function}.Arn}}/invocations", f"${{{_alias(function)}}}/invocations")
    api["DefinitionBody"] = json.loads(text)


def _digest(template: Mapping[str, Any], values: Mapping[str, str], code: Path) -> str:
    """A version of a function is published when this changes: with the code, the functions, or any parameter.

    SAM looks at the code and the text of the template only, where a parameter is a reference. So a version would keep
    the old value of a parameter that changes.
    """
    functions = {name: template["Resources"][name]["Properties"] for name in FUNCTIONS}
    parameters = {name: str(values.get(name, one.get("Default", ""))) for name, one in _parameters(template)}
    shown = json.dumps([functions, template.get("Globals", {}), parameters], sort_keys=True)
    return hashlib.sha256(code.read_bytes() + shown.encode()).hexdigest()


def _parameters(template: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, one) for name, one in template["Parameters"].items() if name != PARAMETER)


def _role() -> dict[str, Any]:
    """What CodeDeploy does: AWS's policy for it, AWSCodeDeployRoleForLambdaLimited, without its S3 and hooks.

    It is a policy of the role itself, as in all roles here: attaching AWS's policy is a right that deployers do not
    have. Source: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCodeDeployRoleForLambdaLimited.html
    """
    arns = [{"Fn::GetAtt": [function, "Arn"]} for function in FUNCTIONS]
    aliases = [{"Fn::Sub": f"${{{function}.Arn}}:{ALIAS}"} for function in FUNCTIONS]
    moves = ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"]
    statements = [
        {"Sid": "MovesTheAliases", "Effect": "Allow", "Action": moves, "Resource": arns + aliases},
        {"Sid": "LooksAtAlarms", "Effect": "Allow", "Action": ["cloudwatch:DescribeAlarms"], "Resource": "*"},
    ]
    trust = {"Effect": "Allow", "Principal": {"Service": "codedeploy.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [
                {"PolicyName": ROLE, "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}},
            ],
        },
    }
