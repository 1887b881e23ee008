"""Import a CSV or XLSX file of clients or of stops: upload it to the bucket, start the import, and poll it.

python -m tools.import_clients FILE [--stack NAME]        exits with 1 if it fails; with AWS_ENDPOINT_URL: not on AWS
python -m tools.import_clients FILE --column ФИО=attributes.имя --column Комментарий=      says what columns mean
python -m tools.import_clients FILE --export --url URL     write all clients into FILE, with the token in $TOKEN
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
from typing import Any, BinaryIO

import boto3
import requests
from botocore.exceptions import BotoCoreError, ClientError

STACK = "notifications"
SHOWN = 20
"""Refused rows that are printed."""

WIDTH = 30
POLL_SECONDS = 1.0
LINE_SECONDS = 10.0


class ImportFailed(Exception):
    """One line with the reason."""


class Bar:
    """A progress bar. On a terminal it is drawn in place; elsewhere it prints a line every LINE_SECONDS."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._printed_at = time.monotonic()
        self._on_terminal = sys.stdout.isatty()

    def show(self, share: float | None, text: str, is_last: bool = False) -> None:
        """`share` is from 0 to 1, or None if the total is unknown."""
        if not self._on_terminal:
            if is_last or time.monotonic() - self._printed_at > LINE_SECONDS:
                self._printed_at = time.monotonic()
                print(f"{self.title}: {text}", flush=True)
            return
        bar = "" if share is None else "#" * int(share * WIDTH) + "-" * (WIDTH - int(share * WIDTH))
        print(f"\r{self.title} {bar} {text}\x1b[K", end="\n" if is_last else "", flush=True)


def main() -> int:
    options = _arguments()
    try:
        if options.export:
            return export(options.url, options.file)
        kind = "stop_list" if options.stop_list else "clients"
        return run(options.file, options.stack, dict(options.column), kind)
    except ImportFailed as failed:
        print(f"import_clients: {failed}", file=sys.stderr)
    except (ClientError, BotoCoreError, OSError, requests.RequestException) as error:
        print(f"import_clients: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped; an import that has begun goes on: GET /Clients/import/", file=sys.stderr)
    return 1


def run(file: Path, stack: str, columns: Mapping[str, str], kind: str) -> int:
    """`columns`: what columns mean, by their names in the file. `kind`: clients or stop_list."""
    outputs = _outputs(stack)
    key = upload(file, outputs["ImportsBucket"])
    function = outputs["StartImportName"]
    client_import = follow(
        function, _invoke(function, {"key": key, "file_name": file.name, "columns": dict(columns), "kind": kind})
    )
    detail = f": {client_import['detail']}" if client_import["detail"] else ""
    print(f"import {client_import['id']} {client_import['status']}{detail}")
    for figure in ("rows", "added", "changed", "unchanged", "refused", "opted_out", "normalized"):
        print(f"  {figure:10} {client_import[figure]:>12,}")
    if client_import["refused"]:
        _print_refused(_invoke(function, {"import": client_import["id"], "refused": SHOWN}))
    return int(client_import["status"] != "finished")


def upload(file: Path, bucket: str) -> str:
    """Upload the file, a large one in parallel parts (boto3), and return its key.

    The bucket keeps what is below `uploads/` for a day, which is too short: an import reads its file until it ends.
    """
    size = file.stat().st_size
    if not size:
        raise ImportFailed(f"{file} is empty")
    key = f"files/{datetime.now(UTC):%Y%m%dT%H%M%S%f}.csv"
    bar, done, lock = Bar("uploading"), 0, Lock()

    def count(number: int) -> None:
        nonlocal done
        with lock:
            done += number
            bar.show(done / size, f"{done / 1e6:,.1f} of {size / 1e6:,.1f} MB", is_last=done >= size)

    boto3.client("s3").upload_file(str(file), bucket, key, Callback=count)
    return key


def follow(function: str, client_import: Mapping[str, Any]) -> Mapping[str, Any]:
    """Poll the import until it ends, and return it."""
    bar, started = Bar("importing"), time.monotonic()
    while client_import["status"] == "running":
        time.sleep(POLL_SECONDS)
        client_import = _invoke(function, {"import": client_import["id"]})
        rows, is_last = client_import["rows"], client_import["status"] != "running"
        bar.show(None, f"{rows:,} rows, {rows / (time.monotonic() - started):,.0f} a second", is_last)
    return client_import


def export(url: str, file: Path) -> int:
    """Write the export into the file, which stays as it is if a part of the export fails."""
    unfinished = file.with_name(f"{file.name}.part")
    try:
        with unfinished.open("wb") as out:
            _write_parts(url, out)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return 0


def _write_parts(url: str, out: BinaryIO) -> None:
    """Each response has a link to the next part."""
    bar, rows = Bar("exporting"), 0
    headers = {"Authorization": f"Token {os.environ.get('TOKEN', '')}"}
    address: str | None = f"{url.rstrip('/')}/Clients/export/"
    while address:
        answer = requests.get(address, headers=headers, timeout=60)
        if answer.status_code != 200:
            raise ImportFailed(f"{answer.status_code}: {answer.text[:200]}")
        out.write(answer.content)
        rows += len(list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";")))
        address = answer.links.get("next", {}).get("url")
        bar.show(None, f"{rows - 1:,} clients", is_last=address is None)


def _column(text: str) -> tuple[str, str]:
    name, separator, meaning = text.rpartition("=")
    if not separator:
        raise argparse.ArgumentTypeError("NAME=MEANING is expected, such as ФИО=attributes.имя")
    return name, meaning


def _outputs(stack: str) -> dict[str, str]:
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        raise ImportFailed(f"there is no stack {stack}: give its name with --stack ({error})") from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    if not {"ImportsBucket", "StartImportName"} <= set(outputs):
        raise ImportFailed(f"the stack {stack} is of a version without imports: deploy it again")
    return outputs


def _invoke(function: str, payload: Mapping[str, object]) -> dict[str, Any]:
    answer = boto3.client("lambda").invoke(FunctionName=function, Payload=json.dumps(payload))
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError") or "status" not in found:
        raise ImportFailed(str(found.get("detail") or found.get("errorMessage") or found))
    return found


def _print_refused(page: Mapping[str, Any]) -> None:
    print(f"the first refused rows, at most {SHOWN}; all are in GET /Clients/import/{page['id']}/refused/:")
    for row in page["results"]:
        reasons = [f"{name}: {' '.join(texts)}" for name, texts in row["errors"].items()]
        print(f"  row {row['row']}: {'; '.join(reasons)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.import_clients", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="CSV or XLSX; its first row names the columns",
    )
    parser.add_argument(
        "--column",
        type=_column,
        action="append",
        default=[],
        metavar="NAME=MEANING",
        help="what a column of the file means; nothing after = leaves it out; may be given several times",
    )
    parser.add_argument("--stack", default=STACK, help="name of the CloudFormation stack (%(default)s)")
    parser.add_argument("--stop-list", action="store_true", help="the rows are phone numbers for the stop list")
    parser.add_argument("--export", action="store_true", help="write all clients into FILE instead")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="address of the API, for --export (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
