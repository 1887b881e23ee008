"""`make bench`: measure the service and, in the same run, a minimal program that does the same work.

python -m bench                       exits with 1 if a figure misses its limit
python -m bench --only fan_out        run one measurement
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from . import adapters, api, cold_start, end_to_end, fan_out, growth, routes, sending
from .measure import Row

MEASURES: dict[str, Callable[[], list[Row]]] = {
    "growth": growth.run,
    "cold_start": cold_start.run,
    "fan_out": fan_out.run,
    "sending": sending.run,
    "end_to_end": end_to_end.run,
    "api": api.run,
    "routes": routes.run,
    "adapters": adapters.run,
}
RESULTS = Path("build/bench.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=MEASURES, help="run one measurement")
    only = parser.parse_args().only
    began = time.monotonic()
    print(f"{'':<62}{'measured':>12}{'baseline':>12} {'':<11}{'ratio':>6}", flush=True)
    rows: list[Row] = []
    for name in [only] if only else MEASURES:
        for row in _in_its_own_process(MEASURES[name]):
            rows.append(row)
            print(row, flush=True)
    missed = [row.what for row in rows if not row.is_good]
    _write(rows)
    print(f"{len(rows)} figures in {time.monotonic() - began:.0f} s, in {RESULTS}")
    print("\n".join(f"missed: {what}" for what in missed) or "all limits are kept")
    return 1 if missed else 0


def _in_its_own_process(measure: Callable[[], list[Row]]) -> list[Row]:
    """No measurement pays for what an earlier one has left in memory: creating a client took 8 % longer."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measure).result()


def _write(rows: list[Row]) -> None:
    machine = f"{os.cpu_count()} x {platform.processor() or platform.machine()}, Python {platform.python_version()}"
    figures = [{**asdict(row), "is_good": row.is_good} for row in rows]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"at": datetime.now(UTC).isoformat(), "machine": machine, "rows": figures}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
