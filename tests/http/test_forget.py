"""`python -m infra.forget`: everything about one phone number as a file, and its erasure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.services import Services
from chalicelib.clients.import_worker import process_import
from infra import forget
from infra.forget import ForgetFailed, NotThere, erase, held_about, main

from .conftest import Call

PHONE, OTHER = "79770000000", "79210000001"
FILE = f"phone_number;tag;timezone\ntel. +7 (977) 000-00-00;vip;\n{PHONE};vip;Mars\n{OTHER};vip;Mars\n"


class TestApi:
    """The API by chalice.test.Client."""

    __test__ = False

    def __init__(self, call: Call) -> None:
        self._call = call

    def call(self, method: str, address: str, body: dict[str, str] | None = None) -> Any:
        answer = self._call(method, address.removeprefix("https://api.example.com"), json=body)
        if answer.status == 404:
            raise NotThere(answer.text)
        if answer.status >= 400:
            raise ForgetFailed(answer.text)
        return answer.json


@pytest.fixture
def api(call: Call, mailing: dict[str, object], services: Services) -> TestApi:
    """A client that got a message, has a changed tag, and stands in two refused rows of an import."""
    call("PATCH", "/Clients/1", json={"tag": "vip"})
    call("POST", "/Clients/import", body=FILE.encode(), content_type="text/csv")
    assert process_import(services, 1, lambda: 60.0)
    return TestApi(call)


def test_everything_about_a_phone_number_is_gathered(api: TestApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forget, "PAGE", 1)  # every list has several pages
    held = held_about(api, PHONE)
    assert (held["client"]["phone_number"], held["client"]["tag"]) == (PHONE, "vip")
    assert [(one["mailing_id"], one["status"]) for one in held["messages"]] == [(1, "sent")]
    assert [(one["import"], one["row"]) for one in held["refused_rows"]] == [(1, 2), (1, 3)]
    assert [one["action"] for one in held["audit"]] == ["changed", "made"]


def test_a_number_that_is_unknown_has_nothing(api: TestApi) -> None:
    held = held_about(api, "79990000009")
    nothing: dict[str, Any] = {"client": None, "stop": None, "messages": [], "refused_rows": [], "audit": []}
    assert held == {"phone_number": "79990000009", **nothing}


def test_the_stop_of_a_number_is_gathered_with_its_reason_with_and_without_a_client(
    api: TestApi, call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for phone, client_id in ((PHONE, 1), ("79990000009", None)):
        call("POST", "/StopList", form={"phone_number": phone, "reason": "a letter"})
        stop = held_about(api, phone)["stop"]
        assert (stop["reason"], stop["source"], stop["client_id"]) == ("a letter", "api", client_id)
    forget._write(tmp_path / "person.json", held_about(api, PHONE))
    assert "a client, on the stop list, 1 messages" in capsys.readouterr().out


def test_a_person_is_erased_by_phone_number(api: TestApi, call: Call) -> None:
    assert erase(api, PHONE) == {"client_id": 1, "stays_refused": False}
    assert call("GET", "/Clients/1").status == 404
    assert held_about(api, PHONE)["client"] is None


def test_the_file_is_readable_by_its_owner_alone_and_the_tool_says_what_it_has(
    api: TestApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "person.json"
    file.touch(0o644)  # as an earlier export may have left it
    assert forget._write(file, held_about(api, PHONE)) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert "a client, 1 messages, 2 refused rows, 2 audit" in capsys.readouterr().out
    assert forget._print(erase(api, PHONE)) == 0
    assert "client 1 is erased" in capsys.readouterr().out


def test_a_wrong_number_and_an_absent_api_are_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["forget", "8977"])
    with pytest.raises(SystemExit):
        main()
    assert "such as 79774053329 is expected" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["forget", PHONE, "--url", "http://127.0.0.1:1"])
    assert main() == 1
    assert capsys.readouterr().err.startswith("forget: ")
