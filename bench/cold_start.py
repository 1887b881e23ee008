"""Cold start: what each Lambda takes to be imported and to do its first call, beside botocore alone; and its memory.

Out of the deployed package and nothing else, each time in a new process, in its function's environment, all by turns.
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

from chalicelib.domain.jobs import ImportClients, Job, SendMessage, SettleReceipts, WalkSlice, to_body
from chalicelib.domain.message import message_id
from chalicelib.domain.receipt import Receipt
from infra.deploy import ROOT
from infra.local.deployment import STACK_NAME, STAGE
from infra.local.seed import LOCAL_TOKEN

from .ground import whole_stack
from .measure import Row, compare

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
"""As Lambda does it, with the little of what it hands over that is read."""

BARE = """
import botocore.session

def handler(event, context):
    return botocore.session.get_session().create_client("dynamodb").get_item(**event)
"""


def _record(job: Job) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "1795500000000"}
    record = {"messageId": "m", "receiptHandle": "r", "body": to_body(job), "attributes": attributes}
    return {"Records": [record]}


NOBODYS = 999
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
    "run_jobs": _record(WalkSlice(NOBODYS, 0)),
    "import_clients": _record(ImportClients(NOBODYS)),
    "manage_tokens": {"revoke": "nobody's"},
    "manage_users": {"remove": "nobody"},
    "redrive_dead_letters": {},
    "send_messages": _record(SendMessage(NOBODYS, NOBODYS)),
    "send_report": {"date": "2026-11-22"},
    "settle_receipts": _record(
        SettleReceipts((Receipt(message_id(NOBODYS, NOBODYS), "delivered", datetime(2026, 11, 22, tzinfo=UTC)),))
    ),
    "start_import": {"import": NOBODYS},
    "start_mailing": {"mailing": NOBODYS},
    "sweep": {},
    "token_auth": {
        "type": "TOKEN",
        "authorizationToken": f"Token {LOCAL_TOKEN}",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:api/api/GET/Clients",
    },
}
"""For each Lambda something that it can do at once on an empty stack, all that it needs at AWS being asked."""


class Start(NamedTuple):
    """Milliseconds to the end of the import, and to the end of the first call; MB that it took at most until then."""

    imported: float
    called: float
    peak: float


@dataclass(frozen=True)
class Cold:
    """A function and what it is started with. `memory`: MB that it may have."""

    name: str
    handler: str
    event: dict[str, Any]
    environment: dict[str, str]
    memory: int = 0

    def start(self, package: Path) -> Start:
        asked = json.dumps([self.handler, self.event])
        done = subprocess.run(
            [sys.executable, "-S", "-c", RUN, asked],
            env={**os.environ, **self.environment, "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"{self.name} failed at its first call: {done.stderr[-2000:]}")
        return Start(*json.loads(done.stdout.splitlines()[-1]))


def run() -> list[Row]:
    with whole_stack():
        package = _unpacked()
        table = {"TableName": f"{STACK_NAME}-mailings", "Key": {"id": {"N": str(NOBODYS)}}}
        bare, functions = Cold("botocore", "bare.handler", table, {}), _functions()
        theirs: list[Start] = []
        ours: dict[str, list[Start]] = {one.name: [] for one in functions}
        for _ in range(ROUNDS):  # in turns, so that what else the machine does meets all of them alike
            theirs.append(bare.start(package))
            for one in functions:
                ours[one.name].append(one.start(package))
    return [_time(name, found, theirs) for name, found in ours.items()] + [_memory(one, ours) for one in functions]


def _time(name: str, ours: list[Start], theirs: list[Start]) -> Row:
    imported = statistics.median(one.imported for one in ours)
    what = f"cold start of {name} ({imported:.0f} ms to import)"
    return compare(what, "ms", [one.called for one in ours], [one.called for one in theirs], most=MOST)


def _memory(function: Cold, ours: dict[str, list[Start]]) -> Row:
    peak = max(one.peak for one in ours[function.name])
    return Row(f"memory of {function.name} after its first call", "MB", peak, most=function.memory)


def _unpacked() -> Path:
    package = Path(tempfile.mkdtemp(prefix="notifications-package-"))
    with zipfile.ZipFile(ROOT / "build" / STAGE / "deployment.zip") as archive:
        archive.extractall(package)
    (package / "bare.py").write_text(BARE)
    return package


def _functions() -> list[Cold]:
    """All of the stack; one that no event is known for is a KeyError here."""
    functions = boto3.client("lambda").list_functions()["Functions"]
    found = [(one["Handler"].rpartition(".")[2], one) for one in functions]
    return [
        Cold(name, one["Handler"], EVENTS[name], one.get("Environment", {}).get("Variables", {}), one["MemorySize"])
        for name, one in sorted(found, key=lambda pair: pair[0])
    ]
