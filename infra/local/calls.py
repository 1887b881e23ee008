"""The number of AWS calls that the service made, from MiniStack's CloudTrail."""

from __future__ import annotations

import json
from typing import Any

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

SOURCES = {"dynamodb.amazonaws.com", "sqs.amazonaws.com", "scheduler.amazonaws.com", "ssm.amazonaws.com"}
TARGET = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"


def calls_since(aws_url: str, moment: float) -> int:
    """Calls since `moment` (epoch seconds) to the services that charge for each call.

    Without boto3, which truncates times to whole seconds. MiniStack has no page tokens, so times separate the pages.
    """
    calls, until = 0, None
    while True:
        body = {"StartTime": moment} | ({"EndTime": until} if until else {})
        events = _look_up(aws_url, body)
        if not events:
            return calls
        calls += sum(event["EventSource"] in SOURCES for event in events)
        until = min(event["EventTime"] for event in events) - 1e-6


def _look_up(aws_url: str, body: dict[str, float]) -> list[dict[str, Any]]:
    headers = {"X-Amz-Target": TARGET, "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", aws_url, headers=headers, data=json.dumps(body))
    session = boto3.Session()
    SigV4Auth(session.get_credentials(), "cloudtrail", session.region_name).add_auth(request)
    answer = requests.post(aws_url, data=request.data, headers=dict(request.headers), timeout=10)
    events: list[dict[str, Any]] = answer.json()["Events"]
    return events
