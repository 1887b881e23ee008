"""Package the app and deploy it as one CloudFormation stack: to AWS, LocalStack or MiniStack alike.

Speaks to AWS through boto3, so that AWS_ENDPOINT_URL is all it takes to deploy somewhere else.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

ROOT = Path(__file__).parents[1]
SERVICES = {"dynamodb", "s3", "scheduler", "ses", "sqs", "ssm", "sts"}
"""What the adapters call, and sts, where credentials come from. A test compares it with the adapters."""

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


class DeployFailed(Exception):
    """One line that says why, for whoever ran it."""


def package(stage: str) -> Path:
    """The merged template and the zip, in build/<stage>; Chalice takes wheels it has fetched before."""
    out = ROOT / "build" / stage
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-c", "from chalice.cli import main; main()", "package"]
    command += ["--stage", stage, "--merge-template", "infra/stack.json", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not (out / "deployment.zip").exists():  # without a region it says so and exits with 0
        raise DeployFailed(f"chalice package failed: {(done.stdout + done.stderr).strip()[-2000:]}")
    _slim(out / "deployment.zip")
    return out


def _slim(archive: Path) -> None:
    """Leave out botocore's descriptions of services that we never call: most of the zip."""
    whole = archive.with_suffix(".whole")
    archive.rename(whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as slim:
        for entry in source.infolist():
            if _is_needed(entry.filename):
                slim.writestr(entry, source.read(entry))
    whole.unlink()


def _is_needed(name: str) -> bool:
    place = Path(name).parts
    if place[:2] not in (("botocore", "data"), ("boto3", "data")) or len(place) == 3:
        return True
    return place[0] == "botocore" and place[2] in SERVICES


def put_gateway_token(stack_name: str, token: str) -> None:
    """The gateway's token, where the sender reads it; it is in no template and no environment."""
    boto3.client("ssm").put_parameter(
        Name=f"/{stack_name}/gateway-token", Value=token, Type="SecureString", Overwrite=True
    )


def put_session_key(stack_name: str) -> None:
    """What the console's sessions are signed with: made once, and kept by later deploys."""
    ssm = boto3.client("ssm")
    try:
        ssm.put_parameter(Name=f"/{stack_name}/session-key", Value=secrets.token_hex(32), Type="SecureString")
    except ssm.exceptions.ParameterAlreadyExists:
        return


def deploy(stage: str, stack_name: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Make the stack, or bring it up to date; answers with its outputs. Raises DeployFailed."""
    out = package(stage)
    template = json.loads((out / "sam.json").read_text())
    bucket = f"{stack_name}-deploy-{boto3.client('sts').get_caller_identity()['Account']}"
    _make_bucket(bucket)
    code = (out / "deployment.zip").read_bytes()
    code_key = f"{hashlib.sha256(code).hexdigest()}.zip"
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key=code_key, Body=code)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://{bucket}/{code_key}"
    body = json.dumps(template)
    template_key = f"{hashlib.sha256(body.encode()).hexdigest()}.json"
    s3.put_object(Bucket=bucket, Key=template_key, Body=body)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": template_key})
    _apply(stack_name, url.partition("?")[0], parameters)
    stack = boto3.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    api = template["Resources"]["RestAPI"]["Properties"]
    _complete_binary_types(outputs["RestAPIId"], api["DefinitionBody"]["x-amazon-apigateway-binary-media-types"])
    _complete_gateway_responses(outputs["RestAPIId"], api)
    return outputs


def _make_bucket(bucket: str) -> None:
    s3 = boto3.client("s3")
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        region = s3.meta.region_name
        place: Any = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **place)


def _apply(stack_name: str, template_url: str, parameters: Mapping[str, str]) -> None:
    cloudformation = boto3.client("cloudformation")
    request = {
        "StackName": stack_name,
        "TemplateURL": template_url,
        "Capabilities": CAPABILITIES,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    }
    try:
        if _exists(stack_name):
            cloudformation.update_stack(**request)
            waiter = "stack_update_complete"
        else:
            cloudformation.create_stack(**request)
            waiter = "stack_create_complete"
        cloudformation.get_waiter(waiter).wait(StackName=stack_name, WaiterConfig={"Delay": 2, "MaxAttempts": 450})
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise DeployFailed(f"CloudFormation refused the stack: {error}") from error
    except WaiterError as error:
        raise DeployFailed(f"the stack could not be deployed: {_first_failure(stack_name)}") from error


def _complete_binary_types(api_id: str, wanted: list[str]) -> None:
    """AWS takes from the template which bodies are bytes; MiniStack 1.5 does not, and wants them all at once."""
    gateway = boto3.client("apigateway", config=Config(parameter_validation=False))
    known = gateway.get_rest_api(restApiId=api_id).get("binaryMediaTypes", [])
    if not set(wanted) <= set(known):
        change = {"op": "replace", "path": "/binaryMediaTypes", "value": wanted}
        gateway.update_rest_api(restApiId=api_id, patchOperations=[change])


def _complete_gateway_responses(api_id: str, api: Mapping[str, Any]) -> None:
    """AWS takes the gateway's own answers from the template; an emulator that did not gets them one by one."""
    gateway = boto3.client("apigateway")
    known = gateway.get_gateway_responses(restApiId=api_id, limit=500)["items"]
    customized = {item["responseType"] for item in known if not item.get("defaultResponse")}
    missing = {name: one for name, one in api["GatewayResponses"].items() if name not in customized}
    for name, response in missing.items():
        headers = response.get("ResponseParameters", {}).get("Headers", {})
        status = {"statusCode": response["StatusCode"]} if "StatusCode" in response else {}
        gateway.put_gateway_response(
            restApiId=api_id,
            responseType=name,
            responseParameters={f"gatewayresponse.header.{header}": value for header, value in headers.items()},
            responseTemplates=response["ResponseTemplates"],
            **status,
        )
    if missing:
        gateway.create_deployment(restApiId=api_id, stageName=api["StageName"])


def _exists(stack_name: str) -> bool:
    try:
        boto3.client("cloudformation").describe_stacks(StackName=stack_name)
    except ClientError:
        return False
    return True


def _first_failure(stack_name: str) -> str:
    events = boto3.client("cloudformation").describe_stack_events(StackName=stack_name)["StackEvents"]
    failures = [event for event in reversed(events) if event["ResourceStatus"].endswith("FAILED")]
    if not failures:
        return "CloudFormation names no reason"
    return f"{failures[0]['LogicalResourceId']}: {failures[0].get('ResourceStatusReason', 'no reason given')}"
