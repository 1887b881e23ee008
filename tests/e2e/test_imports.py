"""Imports and exports on the whole stack, with a file in Windows-1251 and its refused rows."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from infra.local.deployment import STACK_NAME
from infra.local.stack import DevStack

from .conftest import Call

FILE = "phone_number;tag;timezone\r\n79600000001;друзья;Europe/Moscow\r\n7960;=cmd;UTC\r\n79600000002;;Asia/Omsk\r\n"
BYTES = {"Content-Type": "application/octet-stream"}


def followed(call: Call, made: Any, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        one = call("GET", f"/Clients/import/{made['id']}/").json()
        if one["status"] != "running":
            return one
        time.sleep(0.2)
    raise AssertionError(one)


def imported(call: Call, content: bytes, **options: Any) -> Any:
    answer = call("POST", "/Clients/import/", data=content, headers=BYTES, **options)
    assert answer.status_code == 202, answer.text
    return followed(call, answer.json())


def test_a_file_in_windows_1251_is_imported_and_exported(call: Call) -> None:
    one = imported(call, FILE.encode("cp1251"), params={"file_name": "клиенты.csv"})
    assert (one["status"], one["file_name"]) == ("finished", "клиенты.csv")
    assert (one["rows"], one["added"], one["refused"]) == (3, 2, 1), one["results"]
    assert [(row["row"], row["cells"]["tag"]) for row in one["results"]] == [(3, "=cmd")]
    refused = call("GET", f"/Clients/import/{one['id']}/refused/")
    assert refused.content.decode("utf-8-sig").splitlines()[1].startswith("7960;'=cmd;UTC;phone_number: Enter")

    exported = call("GET", "/Clients/export/?operator_code=960")
    assert exported.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = exported.content.decode("utf-8-sig").splitlines()
    assert rows[0].startswith("id;phone_number;operator_code;tag;timezone;opted_out_at")
    assert [row.split(";")[1:5] for row in rows[1:]] == [
        ["79600000001", "960", "друзья", "Europe/Moscow"],
        ["79600000002", "960", "", "Asia/Omsk"],
    ]
    again = imported(call, exported.content)
    assert (again["rows"], again["unchanged"], again["refused"]) == (2, 2, 0)
    for row in rows[1:]:
        call("DELETE", f"/Clients/{row.split(';')[0]}/")


def test_the_parts_of_an_export_are_one_file(call: Call) -> None:
    text = "phone_number\n" + "".join(f"7961000000{n}\n" for n in range(5))
    imported(call, text.encode())
    whole = call("GET", "/Clients/export/?operator_code=961").content
    answer = call("GET", "/Clients/export/?operator_code=961&limit=2")
    parts = answer.content
    while link := answer.links.get("next"):
        answer = call("GET", "/" + link["url"].split("/", 3)[3])
        parts += answer.content
    assert parts == whole
    assert whole.count(b"\r\n") == 6
    assert call("HEAD", "/Clients/export/").status_code == 200


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "text/csv"}, FILE.encode("cp1251"), 400),
        (BYTES, b"", 400),
        (BYTES, b"contact;tag\n79600000009;a\n", 400),
        (BYTES, b"phone_number\n" + b"7" * 5 * 1024**2, 413),
        ({"Content-Type": "application/json"}, b"{}", 415),
    ],
)
def test_an_invalid_file_is_refused_at_once(call: Call, headers: dict[str, str], content: bytes, status: int) -> None:
    before = call("GET", "/Clients/import/").json()["results"]
    answer: requests.Response = call("POST", "/Clients/import/", data=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert call("GET", "/Clients/import/").json()["results"] == before


def import_by_program(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.import_clients", str(file), "--stack", STACK_NAME]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def figures(output: str) -> dict[str, int]:
    """Lines that consist of a name and a number."""
    words = [line.split() for line in output.splitlines()]
    return {line[0]: int(line[1]) for line in words if len(line) == 2 and line[1].isdigit()}


def test_the_program_imports_a_file_and_prints_the_result(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "клиенты.csv"
    file.write_bytes("phone_number,tag\n79620000001,ёж\nabc,x\n".encode("cp1251"))
    first = import_by_program(file)
    assert (first.returncode, first.stderr) == (0, "")
    counts = {"rows": 2, "added": 1, "changed": 0, "unchanged": 0, "refused": 1, "opted_out": 0, "normalized": 0}
    assert figures(first.stdout) == counts
    assert "row 3: phone_number: Enter a phone number" in first.stdout
    assert "7962" not in first.stdout
    assert figures(import_by_program(file).stdout)["unchanged"] == 1
    newest = call("GET", "/Clients/import/?limit=1").json()["results"][0]
    assert newest["file_name"] == "клиенты.csv"


@pytest.mark.parametrize(
    ("content", "expected"), [(b"", "is empty"), (b"tag\na\n", "phone_number: This column is required.")]
)
@pytest.mark.usefixtures("stack")
def test_an_error_of_the_program_is_one_line(tmp_path: Path, content: bytes, expected: str) -> None:
    file = tmp_path / "clients.csv"
    file.write_bytes(content)
    done = import_by_program(file)
    assert done.returncode == 1
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"key": "no/such.csv"}, "no such file"),
        ({"key": 1}, "is expected"),
        ({"import": 0}, "Not"),
    ],
)
def test_the_lambda_names_the_error(stack: DevStack, payload: dict[str, Any], expected: str) -> None:
    name = stack.outputs["StartImportName"]
    answer = boto3.client("lambda").invoke(FunctionName=name, Payload=json.dumps(payload))
    found = json.loads(answer["Payload"].read())
    assert list(found) == ["detail"]
    assert expected in found["detail"]
