"""What each Lambda imports at its start, in milliseconds, beside botocore.session and requests in the same run.

python -m bench.imports        exits with 1 when one takes over 1.5 times as long
"""

from __future__ import annotations

import statistics
import subprocess
import sys

YARDSTICK = "import botocore.session, requests"
LIMIT = 1.5
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


def main() -> int:
    codes = {"botocore.session + requests": YARDSTICK} | {name: statement(name) for name in LAMBDAS}
    times: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(ROUNDS):  # in turns, so that what else the machine does meets all of them alike
        for name, code in codes.items():
            times[name].append(milliseconds(code))
    medians = {name: statistics.median(found) for name, found in times.items()}
    yardstick = medians["botocore.session + requests"]
    for name, median in medians.items():
        print(f"{name:30} {median:6.0f} ms   {median / yardstick:4.2f}")
    worst = max(medians.values()) / yardstick
    print(f"the slowest takes {worst:.2f} times as long as botocore.session + requests; at most {LIMIT} is allowed")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
