"""What each Lambda imports at its start and its first call, beside botocore.session and requests in the same run."""

from __future__ import annotations

import subprocess
import sys

from .measure import Row, compare

YARDSTICK = "import botocore.session, requests"
LIMIT = 1.6
ROUNDS = 15
LAMBDAS = {
    "send_messages": "chalicelib.workers.send_queue",
    "fan_out": "chalicelib.workers.segments",
    "start_mailing, sweep": "chalicelib.workers.schedules",
    "import_clients, start_import": "chalicelib.workers.imports",
    "manage_tokens": "chalicelib.workers.tokens",
    "send_report": "chalicelib.workers.reports",
    "token_auth": "chalicelib.api.authorizer",
    "api_handler": "app",
}
ADAPTERS = {
    "send_messages": "clients mailings messages send_queue segments_queue dead_letters gateway",
    "fan_out": "clients counters mailings messages segments send_queue segments_queue dead_letters",
    "start_mailing, sweep": "counters mailings segments send_queue segments_queue",
    "import_clients, start_import": "clients counters imports import_files imports_queue",
    "manage_tokens": "tokens",
    "send_report": "counters mailings messages reports mailbox",
    "token_auth": "tokens",
    "api_handler": "clients counters mailings messages tokens segments_queue schedules",
}
"""Adapters are made on first use: their imports are part of a cold start all the same, and counted."""


def statement(name: str) -> str:
    parts = "; ".join(f"outside.{part}" for part in ADAPTERS[name].split())
    bundle = "from chalicelib.adapters.outside import Outside; from chalicelib.settings import Settings"
    return f"import {LAMBDAS[name]}; {bundle}; outside = Outside(Settings()); {parts}"


def milliseconds(code: str) -> float:
    timed = f"import time; t = time.perf_counter(); {code}; print((time.perf_counter() - t) * 1000)"
    done = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True)
    return float(done.stdout)


def run() -> list[Row]:
    times: dict[str, list[float]] = {name: [] for name in LAMBDAS}
    yardsticks = []
    for _ in range(ROUNDS):  # in turns, so that what else the machine does meets all of them alike
        yardsticks.append(milliseconds(YARDSTICK))
        for name, found in times.items():
            found.append(milliseconds(statement(name)))
    return [
        compare(f"cold start of {name}, beside botocore and requests", "ms", found, yardsticks, most=LIMIT)
        for name, found in times.items()
    ]
