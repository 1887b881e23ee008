"""Our Lambdas called by hand, as `aws lambda invoke` does it."""

from __future__ import annotations

import json
from typing import Any

import boto3


def invoke(function: str, payload: dict[str, str]) -> dict[str, Any]:
    """`function`: its name in the template, such as SendReport."""
    lambdas = boto3.client("lambda")
    names = [one["FunctionName"] for one in lambdas.list_functions()["Functions"]]
    answer = lambdas.invoke(FunctionName=next(name for name in names if function in name), Payload=json.dumps(payload))
    read: dict[str, Any] = json.loads(answer["Payload"].read())
    return read
