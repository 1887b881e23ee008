"""The program that imports and exports files, against an API that answers as the test says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from aiohttp import web
from moto import mock_aws

from chalicelib.domain.client_import import KEPT
from infra.local.doubles.aws import TEMPLATE
from infra.local.service import ThreadedApp, free_port
from tools.import_clients import ImportFailed, export, upload

HEADER = b"\xef\xbb\xbfid;phone_number\r\n"


class Exports:
    """The parts of an export, each with a link to the next one. A part of None is an error."""

    def __init__(self) -> None:
        self.parts: list[bytes | None] = []
        app = web.Application()
        app.router.add_get("/Clients/export/", self._answer)
        self.server = ThreadedApp(app, free_port())

    async def _answer(self, request: web.Request) -> web.Response:
        number = int(request.query.get("part", "0"))
        content = self.parts[number]
        if content is None:
            return web.json_response({"detail": "The table is throttled."}, status=503)
        more = number + 1 < len(self.parts)
        link = {"Link": f'<{self.server.url}/Clients/export/?part={number + 1}>; rel="next"'} if more else {}
        return web.Response(body=content, headers=link)


@pytest.fixture
def exports() -> Iterator[Exports]:
    exports = Exports()
    exports.server.start()
    yield exports
    exports.server.stop()


def test_the_parts_of_an_export_become_one_file(exports: Exports, tmp_path: Path) -> None:
    exports.parts = [HEADER + b"1;79770000001\r\n", b"2;79770000002\r\n"]
    assert export(exports.server.url, tmp_path / "clients.csv") == 0
    assert (tmp_path / "clients.csv").read_bytes() == HEADER + b"1;79770000001\r\n2;79770000002\r\n"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("answered", [[], [HEADER + b"1;79770000001\r\n"]])
def test_an_export_that_fails_leaves_the_file_of_the_last_one(
    exports: Exports, tmp_path: Path, answered: list[bytes]
) -> None:
    file = tmp_path / "clients.csv"
    file.write_bytes(b"the last export")
    exports.parts = [*answered, None]
    with pytest.raises(ImportFailed, match="throttled"):
        export(exports.server.url, file)
    assert file.read_bytes() == b"the last export"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_is_uploaded_where_the_bucket_keeps_it_as_long_as_its_import(tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    file.write_bytes(b"phone_number\n79770000001\n")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="imports")
        key = upload(file, "imports")
    bucket = json.loads(TEMPLATE.read_text())["Resources"]["ImportsBucket"]["Properties"]
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert [rule["ExpirationInDays"] for rule in rules if key.startswith(rule.get("Prefix", ""))] == [KEPT.days]
