"""How many AWS calls the service has made, from MiniStack's CloudTrail."""

from __future__ import annotations

import requests

SOURCES = {"dynamodb.amazonaws.com", "sqs.amazonaws.com", "scheduler.amazonaws.com", "ssm.amazonaws.com"}
TARGET = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"


def calls_since(aws_url: str, moment: float) -> int:
    """Calls since `moment` (epoch seconds) to the services that cost money by the call.

    Asked without boto3: it would cut the times to whole seconds, and MiniStack has no pages but times.
    """
    calls, until = 0, None
    while True:
        body = {"StartTime": moment} | ({"EndTime": until} if until else {})
        headers = {"X-Amz-Target": TARGET, "Content-Type": "application/x-amz-json-1.1"}
        events = requests.post(aws_url, json=body, headers=headers, timeout=10).json()["Events"]
        if not events:
            return calls
        calls += sum(event["EventSource"] in SOURCES for event in events)
        until = min(event["EventTime"] for event in events) - 1e-6
