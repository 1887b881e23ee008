"""The time and the memory of an import of clients.

python -m bench.imports_of_clients        prints the figures and checks none

First 10,000 rows on the local stack: new clients by POST, then the same clients by the bucket and the program. Then the
code of the worker with a million generated rows and a table that discards clients: its peak memory.
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
WORKER = "from bench.imports_of_clients import process_generated; process_generated()"


def row(number: int) -> bytes:
    """All rows have one length, so that any part of the generated file can be computed."""
    return f"79{number:09d};t{number % 10};Europe/Moscow\n".encode()


def main() -> int:
    on_the_stack()
    subprocess.run([sys.executable, "-c", WORKER], check=True)
    return 0


def on_the_stack() -> None:
    from infra.local.deployment import STACK_NAME
    from infra.local.local_settings import any_settings
    from infra.local.seed import LOCAL_TOKEN
    from infra.local.stack import DevStack

    content = HEADER + b"".join(map(row, range(ROWS)))
    folder = Path(tempfile.mkdtemp(prefix="notifications-bench-"))
    with DevStack(any_settings(), folder, print_line=lambda _: None) as stack:
        headers = {"Authorization": f"Token {LOCAL_TOKEN}", "Content-Type": "text/csv"}
        started = time.perf_counter()
        answer = requests.post(f"{stack.url}/Clients/import/", data=content, headers=headers, timeout=60)
        print(f"{ROWS:,} new rows, {len(content):,} bytes: status {answer.status_code}", end=" ")
        print(f"after {time.perf_counter() - started:.2f} s", end=", ")
        found: Any = answer.json()
        while found["status"] == "running":
            time.sleep(0.2)
            found = requests.get(f"{stack.url}/Clients/import/{found['id']}/", headers=headers, timeout=60).json()
        print(f"{found['status']} after {time.perf_counter() - started:.1f} s, {found['added']:,} added")
        file = folder / "clients.csv"
        file.write_bytes(content)
        started = time.perf_counter()
        command = [sys.executable, "-m", "tools.import_clients", str(file), "--stack", STACK_NAME]
        done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=False)
        print(f"the same again by python -m tools.import_clients, {time.perf_counter() - started:.1f} s:")
        print("  " + (done.stdout + done.stderr).strip().replace("\n", "\n  "))


class GeneratedFile:
    """A file with a million rows that are generated when they are read."""

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


class DiscardedClients:
    """A clients table that accepts all clients and keeps none."""

    def __init__(self) -> None:
        self.added = 0

    def find_many(self, _: Any) -> dict[str, Any]:
        return {}

    def get_many(self, _: Any) -> dict[int, Any]:
        return {}

    def add_many(self, clients: Any, *_: Any) -> None:
        self.added += len(clients)


def process_generated() -> None:
    """Runs in its own process with all modules of the Lambda, so that its peak is near the Lambda's."""
    from chalicelib.clients.import_worker import process_import
    from chalicelib.clients.imports import import_file
    from chalicelib.domain.audit_record import Author
    from chalicelib.representation import represent_import
    from chalicelib.workers import imports as worker
    from infra.local.doubles.fakes import FakeServices

    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    _ = worker, [botocore.session.get_session().create_client(name) for name in ("s3", "sqs", "dynamodb")]
    services: Any = FakeServices()
    services.import_files, services.clients = GeneratedFile(), DiscardedClients()
    client_import = import_file(services, "many.csv", "many.csv", Author("bench", services.clock.now(), 0.5))
    before, started = _peak(), time.perf_counter()
    process_import(services, client_import.id, lambda: 60.0)
    print(f"{MANY:,} rows, {services.import_files.size:,} bytes, with a table that discards clients:", end=" ")
    print(f"{time.perf_counter() - started:.0f} s, peak {_peak():.0f} MB, {before:.0f} MB of it before the first row")
    print(f"  {represent_import(services.imports.get(client_import.id))}")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
