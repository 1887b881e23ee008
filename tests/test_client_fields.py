"""A client's field is declared once: a field that is added to the dataclass appears everywhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAST_FIELD = "    attributes: Mapping[str, str] = field(default_factory=dict)\n"

CHECK = """
import json, sys
from moto import mock_aws
import tests.conftest
from chalice.test import Client as TestClient
from app import app
from chalicelib.access.tokens import make_token
from chalicelib.access.users import make_user
from chalicelib.clients.import_worker import run_import
from chalicelib.domain.client import Client
from chalicelib.domain.jobs import ImportClients
from chalicelib.errors import RowChanged
from chalicelib import runtime, settings
from dataclasses import replace
from infra.local.doubles.aws import make_services
import os

with mock_aws():
    made = make_services()
    for name, value in vars(made.settings).items():
        if value is not None:
            os.environ[name.upper()] = ",".join(value) if isinstance(value, tuple) else str(value)
    settings.settings.cache_clear()
    runtime.services.cache_clear()
    services = runtime.services()
    authorization = f"Token {make_token(services, 'anna', 'admin')}"

    with TestClient(app) as client:
        def call(method, path, body=None, content_type="application/json", as_text=False):
            raw = json.dumps(body).encode() if content_type == "application/json" else body
            headers = {"Host": "h", "Authorization": authorization, "Content-Type": content_type}
            answer = client.http.request(method, path, headers=headers, body=raw if body is not None else b"")
            return answer.body.decode() if as_text else json.loads(answer.body)

        made = call("POST", "/Clients", {"phone_number": "79770000001", "nickname": "Ann"})
        assert made["nickname"] == "Ann", f"POST drops it: {made}"
        assert call("GET", "/Clients/1")["nickname"] == "Ann", "the table drops it"
        assert call("PATCH", "/Clients/1", {"nickname": "Anna"})["nickname"] == "Anna", "PATCH drops it"
        assert call("GET", "/Audit")["results"][0]["after"] == {"nickname": "Anna"}, "the audit drops it"

        now = services.clients.get(1)
        try:
            services.clients.change(replace(now, nickname="other"), replace(now, tag="vip"))
        except RowChanged:
            pass
        else:
            raise AssertionError("the optimistic lock does not see it")

        file = "phone_number;nickname\\r\\n79770000001;Anya\\r\\n79770000002;Bob\\r\\n".encode()
        call("POST", "/Clients/import", file, "text/csv")
        run_import(services, ImportClients(1), lambda: 60.0)
        assert [one["nickname"] for one in call("GET", "/Clients")["results"]] == ["Anya", "Bob"], "the import drops it"
        assert call("GET", "/Clients/import/1")["changed"] == 1
        assert "nickname" in call("GET", "/Clients/export", as_text=True).partition("\\r\\n")[0], "the export drops it"

        document = call("GET", "/openapi.json")["components"]["schemas"]
        assert "nickname" in document["Client"]["properties"]
        assert "nickname" in document["NewClient"]["properties"]
        assert "nickname" in document["ClientChange"]["properties"]

    from chalicelib.console import clients as pages
    assert "nickname" in pages.FORM, "the console's form drops it"
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for part in ("chalicelib", "tests", "infra", ".chalice"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", tmp_path)
    return tmp_path


def test_a_new_field_is_written_read_changed_imported_exported_compared_and_described(copy: Path) -> None:
    module = copy / "chalicelib" / "domain" / "client.py"
    source = module.read_text()
    assert LAST_FIELD in source
    module.write_text(source.replace(LAST_FIELD, LAST_FIELD + "    nickname: str | None = None\n"))
    environment = {**os.environ, "PYTHONPATH": str(copy), "POWERTOOLS_LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        [sys.executable, "-c", CHECK], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
