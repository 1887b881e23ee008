"""Print the environment variables of the local stack's API for a shell; `chalice local` needs them.

AWS_ENDPOINT_URL=http://127.0.0.1:4566 python -m infra.local.environment        prints `export NAME=value` lines

It reads the variables of the API's Lambda from AWS_ENDPOINT_URL, so a local stack must run there.
"""

from __future__ import annotations

import os
import shlex
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from .deployment import AWS_URL, LOCAL_AWS, STACK_NAME, use_local_aws

API_HANDLER = "APIHandler"


def main() -> int:
    url = os.environ.get("AWS_ENDPOINT_URL") or AWS_URL
    try:
        variables = local_environment(url)
    except (BotoCoreError, ClientError) as error:
        print(f"environment: there is no local stack at {url}: start one with `make up` ({error})", file=sys.stderr)
        return 1
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def local_environment(url: str) -> dict[str, str]:
    """The variables of the API's Lambda, and those that direct AWS calls to `url`."""
    use_local_aws(url)
    resource = boto3.client("cloudformation").describe_stack_resource(
        StackName=STACK_NAME, LogicalResourceId=API_HANDLER
    )["StackResourceDetail"]
    function = boto3.client("lambda").get_function_configuration(FunctionName=resource["PhysicalResourceId"])
    variables: dict[str, str] = function["Environment"]["Variables"]
    return {"AWS_ENDPOINT_URL": url, **LOCAL_AWS, **variables}


if __name__ == "__main__":
    sys.exit(main())
