"""Cold start and memory: the time of each Lambda to import its modules and to finish its first call.

Each start is a new process with the deployed package and the function's environment. The starts of all functions and of
the baseline, which is botocore alone, alternate.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from chalicelib.domain.job_bodies import to_body
from chalicelib.domain.jobs import ImportClients, Job, SendMessage, SettleReceipts, WalkSlice
from chalicelib.domain.message import message_id
from chalicelib.domain.receipt import Receipt
from infra.deploy import ROOT
from infra.local.deployment import STACK_NAME, STAGE
from infra.local.seed import LOCAL_TOKEN

from .measure import Row, compare
from .stacks import local_stack

ROUNDS, MOST = 7, 2
RUN = """
import time
began = time.perf_counter()
import json, sys
from importlib import import_module
handler, event = json.loads(sys.argv[1])
module, _, name = handler.rpartition(".")
call = getattr(import_module(module), name)
imported = time.perf_counter()
class Context:
    function_name, aws_request_id, memory_limit_in_mb = "bench", "bench", 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"
    def get_remaining_time_in_millis(self): return 20000
call(event, Context())
called = time.perf_counter()
peak = int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) / 1024
print(json.dumps([1000 * (imported - began), 1000 * (called - began), peak]))
"""
"""Imports and calls a handler as Lambda does, with the parts of the context that the service reads."""

BARE = """
import botocore.session

def handler(event, context):
    return botocore.session.get_session().create_client("dynamodb").get_item(**event)
"""


def _record(job: Job) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "1795500000000"}
    record = {"messageId": "m", "receiptHandle": "r", "body": to_body(job), "attributes": attributes}
    return {"Records": [record]}


UNKNOWN_ID = 999
EVENTS: dict[str, dict[str, Any]] = {
    "app": {
        "httpMethod": "GET",
        "path": "/Clients",
        "headers": {"Authorization": f"Token {LOCAL_TOKEN}", "host": "127.0.0.1"},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "body": None,
        "isBase64Encoded": False,
        "stageVariables": None,
        "requestContext": {"httpMethod": "GET", "resourcePath": "/Clients", "path": "/api/Clients", "stage": "api"},
    },
    "run_jobs": _record(WalkSlice(UNKNOWN_ID, 0)),
    "import_clients": _record(ImportClients(UNKNOWN_ID)),
    "manage_tokens": {"revoke": "unknown"},
    "manage_users": {"remove": "unknown"},
    "redrive_dead_letters": {},
    "send_messages": _record(SendMessage(UNKNOWN_ID, UNKNOWN_ID)),
    "send_report": {"date": "2026-11-22"},
    "settle_receipts": _record(
        SettleReceipts((Receipt(message_id(UNKNOWN_ID, UNKNOWN_ID), "delivered", datetime(2026, 11, 22, tzinfo=UTC)),))
    ),
    "start_import": {"import": UNKNOWN_ID},
    "start_mailing": {"mailing": UNKNOWN_ID},
    "sweep": {},
    "token_auth": {
        "type": "TOKEN",
        "authorizationToken": f"Token {LOCAL_TOKEN}",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:api/api/GET/Clients",
    },
}
"""For each Lambda an event that it can process on an empty stack with all its usual calls to AWS."""


class Start(NamedTuple):
    """Milliseconds to the end of the import and to the end of the first call, and the peak memory until then in MB."""

    imported: float
    called: float
    peak: float


@dataclass(frozen=True)
class ColdStart:
    """A function and its event. `memory` is its configured memory in MB."""

    name: str
    handler: str
    event: dict[str, Any]
    environment: dict[str, str]
    memory: int = 0

    def start(self, package: Path) -> Start:
        argument = json.dumps([self.handler, self.event])
        done = subprocess.run(
            [sys.executable, "-S", "-c", RUN, argument],
            env={
                **os.environ,
                **self.environment,
                "AWS_LAMBDA_FUNCTION_NAME": self.name,
                "PYTHONPATH": str(package),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"{self.name} failed in its first call: {done.stderr[-2000:]}")
        return Start(*json.loads(done.stdout.splitlines()[-1]))


def run() -> list[Row]:
    with local_stack():
        package = _unpacked()
        table = {"TableName": f"{STACK_NAME}-mailings", "Key": {"id": {"N": str(UNKNOWN_ID)}}}
        bare, functions = ColdStart("botocore", "bare.handler", table, {}), _functions()
        baseline: list[Start] = []
        measured: dict[str, list[Start]] = {function.name: [] for function in functions}
        for _ in range(ROUNDS):  # alternating, so that other load affects all alike
            baseline.append(bare.start(package))
            for function in functions:
                measured[function.name].append(function.start(package))
    return [
        *(_time(name, starts, baseline) for name, starts in measured.items()),
        *(_memory(function, measured) for function in functions),
    ]


def _time(name: str, measured: list[Start], baseline: list[Start]) -> Row:
    imported = statistics.median(start.imported for start in measured)
    what = f"cold start of {name} ({imported:.0f} ms to import)"
    return compare(what, "ms", [start.called for start in measured], [start.called for start in baseline], most=MOST)


def _memory(function: ColdStart, measured: dict[str, list[Start]]) -> Row:
    peak = max(start.peak for start in measured[function.name])
    return Row(f"memory of {function.name} after its first call", "MB", peak, most=function.memory)


def _unpacked() -> Path:
    package = Path(tempfile.mkdtemp(prefix="notifications-package-"))
    with zipfile.ZipFile(ROOT / "build" / STAGE / "deployment.zip") as archive:
        archive.extractall(package)
    (package / "bare.py").write_text(BARE)
    return package


def _functions() -> list[ColdStart]:
    """All functions of the stack. Raises KeyError for a function without an event."""
    functions = boto3.client("lambda").list_functions()["Functions"]
    by_name = [(item["Handler"].rpartition(".")[2], item) for item in functions]
    return [
        ColdStart(
            name, item["Handler"], EVENTS[name], item.get("Environment", {}).get("Variables", {}), item["MemorySize"]
        )
        for name, item in sorted(by_name, key=lambda pair: pair[0])
    ]
