"""Import a file of clients of any size: put it into the stack's bucket, begin the import, follow it to its end.

python -m tools.import_clients FILE [--stack NAME]        exits with 1 when it fails; AWS_ENDPOINT_URL leads elsewhere
python -m tools.import_clients FILE --export --url URL     all clients into a file, part by part, with $TOKEN
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
import requests
from botocore.exceptions import BotoCoreError, ClientError

STACK = "notifications"
SHOWN = 20
WIDTH = 30
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BETWEEN_LINES = 10.0


class ImportFailed(Exception):
    """One line that says why."""


class Bar:
    """On a terminal a line that is drawn over itself; elsewhere a line now and then, for a log."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._said_at = time.monotonic()
        self._on_terminal = sys.stdout.isatty()

    def show(self, share: float | None, text: str, is_last: bool = False) -> None:
        """`share`: from 0 to 1; None where the end is not known."""
        if not self._on_terminal:
            if is_last or time.monotonic() - self._said_at > SECONDS_BETWEEN_LINES:
                self._said_at = time.monotonic()
                print(f"{self.title}: {text}", flush=True)
            return
        bar = "" if share is None else "#" * int(share * WIDTH) + "-" * (WIDTH - int(share * WIDTH))
        print(f"\r{self.title} {bar} {text}\x1b[K", end="\n" if is_last else "", flush=True)


def main() -> int:
    wanted = _arguments()
    try:
        if wanted.export:
            return export(wanted.url, wanted.file)
        return run(wanted.file, wanted.stack)
    except ImportFailed as failed:
        print(f"import_clients: {failed}", file=sys.stderr)
    except (ClientError, BotoCoreError, OSError, requests.RequestException) as error:
        print(f"import_clients: {error}", file=sys.stderr)
    return 1


def run(file: Path, stack: str) -> int:
    outputs = _outputs(stack)
    key = upload(file, outputs["ImportsBucket"])
    name = outputs["StartImportName"]
    one = follow(name, _ask(name, {"key": key, "file_name": file.name}))
    print(f"import {one['id']} {one['status']}" + (f": {one['detail']}" if one["detail"] else ""))
    for figure in ("rows", "added", "changed", "unchanged", "refused"):
        print(f"  {figure:10} {one[figure]:>12,}")
    if one["refused"]:
        _print_refused(_ask(name, {"import": one["id"], "refused": SHOWN}))
    return int(one["status"] != "finished")


def upload(file: Path, bucket: str) -> str:
    """In several parts at once where the file is large, as boto3 does it; answers with the key."""
    size = file.stat().st_size
    if not size:
        raise ImportFailed(f"{file} is empty")
    key = f"uploads/{datetime.now(UTC):%Y%m%dT%H%M%S%f}.csv"
    bar, done, lock = Bar("uploading"), 0, Lock()

    def count(number: int) -> None:
        nonlocal done
        with lock:
            done += number
            bar.show(done / size, f"{done / 1e6:,.1f} of {size / 1e6:,.1f} MB", is_last=done >= size)

    boto3.client("s3").upload_file(str(file), bucket, key, Callback=count)
    return key


def follow(name: str, one: Mapping[str, Any]) -> Mapping[str, Any]:
    bar, started = Bar("importing"), time.monotonic()
    while one["status"] == "running":
        time.sleep(SECONDS_BETWEEN_LOOKS)
        one = _ask(name, {"import": one["id"]})
        rate = one["rows"] / (time.monotonic() - started)
        bar.show(None, f"{one['rows']:,} rows, {rate:,.0f} a second", is_last=one["status"] != "running")
    return one


def export(url: str, file: Path) -> int:
    """The parts one after the other are one file; each says where the next one is."""
    bar, rows = Bar("exporting"), 0
    headers = {"Authorization": f"Token {os.environ.get('TOKEN', '')}"}
    address: str | None = f"{url.rstrip('/')}/Clients/export/"
    with file.open("wb") as out:
        while address:
            answer = requests.get(address, headers=headers, timeout=60)
            if answer.status_code != 200:
                raise ImportFailed(f"{answer.status_code}: {answer.text[:200]}")
            out.write(answer.content)
            rows += len(list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";")))
            address = answer.links.get("next", {}).get("url")
            bar.show(None, f"{rows - 1:,} clients", is_last=address is None)
    return 0


def _outputs(stack: str) -> dict[str, str]:
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        raise ImportFailed(f"there is no stack {stack}: name yours with --stack ({error})") from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    if not {"ImportsBucket", "StartImportName"} <= set(outputs):
        raise ImportFailed(f"the stack {stack} takes no files yet: deploy it anew")
    return outputs


def _ask(name: str, payload: Mapping[str, object]) -> dict[str, Any]:
    answer = boto3.client("lambda").invoke(FunctionName=name, Payload=json.dumps(payload))
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError") or "status" not in found:
        raise ImportFailed(str(found.get("detail") or found.get("errorMessage") or found))
    return found


def _print_refused(one: Mapping[str, Any]) -> None:
    print(f"refused, at most {SHOWN} of them here, all in GET /Clients/import/{one['id']}/refused/:")
    for row in one["results"]:
        reasons = [f"{name}: {' '.join(texts)}" for name, texts in row["errors"].items()]
        print(f"  row {row['row']}: {'; '.join(reasons)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.import_clients", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="CSV with the columns phone_number, tag, timezone, attributes.NAME"
    )
    parser.add_argument("--stack", default=STACK, help="name of the CloudFormation stack (%(default)s)")
    parser.add_argument("--export", action="store_true", help="the other way: all clients into FILE")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of the API, for --export (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
