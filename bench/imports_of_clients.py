"""What an import of clients takes.

python -m bench.imports_of_clients        prints; nothing is asserted

First 10,000 rows on the real stack on this machine: by POST, new; then by the bucket and the program, all known. Then
the worker's code over a million rows, its tables and its bucket being stand-ins that keep nothing: its own peak memory.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import requests

ROWS, MANY = 10_000, 1_000_000
HEADER = b"phone_number;tag;timezone\n"
WORKER = "from bench.imports_of_clients import work_off_many; work_off_many()"


def row(number: int) -> bytes:
    """All of one length, so that any piece of a file that is never whole can be told."""
    return f"79{number:09d};t{number % 10};Europe/Moscow\n".encode()


def main() -> int:
    on_the_stack()
    subprocess.run([sys.executable, "-c", WORKER], check=True)
    return 0


def on_the_stack() -> None:
    from infra.local.deployment import STACK_NAME
    from infra.local.seed import LOCAL_TOKEN
    from infra.local.stack import DevStack, any_settings

    content = HEADER + b"".join(map(row, range(ROWS)))
    folder = Path(tempfile.mkdtemp(prefix="notifications-bench-"))
    with DevStack(any_settings(), folder, print_line=lambda _: None) as stack:
        headers = {"Authorization": f"Token {LOCAL_TOKEN}", "Content-Type": "text/csv"}
        started = time.perf_counter()
        answer = requests.post(f"{stack.url}/Clients/import/", data=content, headers=headers, timeout=60)
        print(f"{ROWS:,} new rows, {len(content):,} bytes: answered with {answer.status_code}", end=" ")
        print(f"after {time.perf_counter() - started:.2f} s", end=", ")
        one: Any = answer.json()
        while one["status"] == "running":
            time.sleep(0.2)
            one = requests.get(f"{stack.url}/Clients/import/{one['id']}/", headers=headers, timeout=60).json()
        print(f"{one['status']} after {time.perf_counter() - started:.1f} s, {one['added']:,} added")
        file = folder / "clients.csv"
        file.write_bytes(content)
        started = time.perf_counter()
        command = [sys.executable, "-m", "tools.import_clients", str(file), "--stack", STACK_NAME]
        done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=False)
        print(f"the same again by python -m tools.import_clients, {time.perf_counter() - started:.1f} s:")
        print("  " + (done.stdout + done.stderr).strip().replace("\n", "\n  "))


class MadeUpFile:
    """A million rows that are nowhere."""

    def __init__(self) -> None:
        self.length = len(row(0))
        self.size = len(HEADER) + MANY * self.length

    def read(self, _: str, start: int, length: int) -> Any:
        from chalicelib.adapters.files import Piece

        end = min(start + length, self.size)
        if start >= end:
            return None
        first = max(0, start - len(HEADER)) // self.length
        before = len(HEADER) + first * self.length if start >= len(HEADER) else 0
        made = (b"" if before else HEADER) + b"".join(self._rows(first, end))
        return Piece(made[start - before : end - before], "v", self.size)

    def _rows(self, first: int, end: int) -> Iterator[bytes]:
        last = -(-(end - len(HEADER)) // self.length)
        return map(row, range(first, min(last, MANY)))


class Nobody:
    """A clients table that takes everything and keeps nothing."""

    def __init__(self) -> None:
        self.added = 0

    def find_many(self, _: Any) -> dict[str, Any]:
        return {}

    def get_many(self, _: Any) -> dict[int, Any]:
        return {}

    def add_many(self, clients: Any) -> None:
        self.added += len(clients)


def work_off_many() -> None:
    """In a process of its own, with all that the Lambda loads: its peak is near the Lambda's."""
    from chalicelib.clients.import_worker import process_import
    from chalicelib.clients.imports import import_file
    from chalicelib.domain.audit_record import Author
    from chalicelib.representation import represent_import
    from chalicelib.workers import imports as worker
    from infra.local.doubles.fakes import FakeServices

    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    _ = worker, [botocore.session.get_session().create_client(name) for name in ("s3", "sqs", "dynamodb")]
    services: Any = FakeServices()
    services.import_files, services.clients = MadeUpFile(), Nobody()
    one = import_file(services, "many.csv", "many.csv", Author("bench", services.clock.now(), 0.5))
    before, started = _peak(), time.perf_counter()
    process_import(services, one.id, lambda: 60.0)
    print(f"{MANY:,} rows, {services.import_files.size:,} bytes, tables that keep nothing:", end=" ")
    print(f"{time.perf_counter() - started:.0f} s, peak {_peak():.0f} MB, {before:.0f} MB of it before the first row")
    print(f"  {represent_import(services.imports.get(one.id))}")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
