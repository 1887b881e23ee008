"""`make bench`: figures of ours beside those of the least that anybody would have to do, measured in the same run.

python -m bench                       exits with 1 when one misses its limit
python -m bench --only fan_out        one of them
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from . import api, cold_start, end_to_end, fan_out, growth, sending
from .measure import Row

MEASURES: dict[str, Callable[[], list[Row]]] = {
    "growth": growth.run,  # first: its memory is this process's
    "cold_start": cold_start.run,
    "fan_out": fan_out.run,
    "sending": sending.run,
    "end_to_end": end_to_end.run,
    "api": api.run,
}
RESULTS = Path("build/bench.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=MEASURES, help="one measurement alone")
    only = parser.parse_args().only
    began = time.monotonic()
    print(f"{'':<62}{'ours':>12}{'beside':>12} {'':<11}{'ratio':>6}", flush=True)
    rows: list[Row] = []
    for name in [only] if only else MEASURES:
        for row in MEASURES[name]():
            rows.append(row)
            print(row, flush=True)
    missed = [row.what for row in rows if not row.is_good]
    _write(rows)
    print(f"{len(rows)} figures in {time.monotonic() - began:.0f} s, in {RESULTS}")
    print("\n".join(f"missed: {what}" for what in missed) or "all limits are kept")
    return 1 if missed else 0


def _write(rows: list[Row]) -> None:
    machine = f"{os.cpu_count()} x {platform.processor() or platform.machine()}, Python {platform.python_version()}"
    found = [{**asdict(row), "is_good": row.is_good} for row in rows]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"at": datetime.now(UTC).isoformat(), "machine": machine, "rows": found}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
