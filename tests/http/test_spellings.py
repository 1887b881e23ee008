"""Letters with combining marks, such as macOS writes, are the same letters as composed ones."""

from __future__ import annotations

from unicodedata import normalize
from urllib.parse import quote

import pytest

from chalicelib.access.tokens import digest, make_token
from chalicelib.adapters.services import Services
from chalicelib.clients.import_worker import run_import
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.domain.client import Client
from chalicelib.domain.jobs import ImportClients
from chalicelib.domain.message import MessageKey

from .conftest import Call

COMPOSED = "май"
DECOMPOSED = normalize("NFD", COMPOSED)
DATES = {"datetime_start": "2026-01-01", "datetime_end": "2040-01-01", "message_text": "x"}


@pytest.fixture
def old_client(services: Services) -> int:
    """A client from before: its tag is stored decomposed."""
    client = Client(services.counters.next_id("client_id"), "79770000009", tag=DECOMPOSED)
    services.clients.add(client)
    services.labels.add_from([client])
    return client.id


def test_a_client_is_stored_composed(call: Call) -> None:
    sent = {"phone_number": "79770000001", "tag": DECOMPOSED, "attributes": {DECOMPOSED: DECOMPOSED}}
    made = call("POST", "/Clients", json=sent).json
    assert (made["tag"], made["attributes"]) == (COMPOSED, {COMPOSED: COMPOSED})
    assert call("PATCH", "/Clients/1", form={"tag": DECOMPOSED}).json["tag"] == COMPOSED


def test_a_mailing_is_stored_composed_and_knows_its_placeholders(call: Call) -> None:
    call("POST", "/Clients", json={"phone_number": "79770000001", "attributes": {COMPOSED: "a"}})
    sent = {**DATES, "message_text": f"{{{DECOMPOSED}}}", "filter_tag": f"{DECOMPOSED},{COMPOSED}"}
    made = call("POST", "/Mailing", json=sent).json
    assert (made["message_text"], made["filter_tag"]) == (f"{{{COMPOSED}}}", COMPOSED)


@pytest.mark.parametrize("spelling", [COMPOSED, DECOMPOSED])
def test_a_filter_finds_both_spellings(call: Call, old_client: int, spelling: str) -> None:
    call("POST", "/Clients", json={"phone_number": "79770000001", "tag": COMPOSED})
    for path in ("/Clients", "/Clients/export"):
        for more in ("", "&operator_code=977", "&phone_number=79770000009"):
            text = call("GET", f"{path}?tag={quote(spelling)}{more}").text
            assert ("79770000001" in text, "79770000009" in text) == ("phone_number" not in more, True)


@pytest.mark.parametrize("more", [{}, {"filter_op_codes": "977"}, {"filter_op_codes": "977,921"}])
def test_an_audience_has_both_spellings(call: Call, services: Services, old_client: int, more: dict[str, str]) -> None:
    call("POST", "/Clients", json={"phone_number": "79770000001", "tag": COMPOSED})
    call("POST", "/Clients", json={"phone_number": "79770000002", "tag": "b"})
    sent = {**DATES, "filter_tag": DECOMPOSED, **more}
    assert call("POST", "/Mailing/preview", json=sent).json["clients"] == 2
    call("POST", "/Mailing", json=sent)
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    assert services.messages.existing([MessageKey(1, number, 1) for number in range(1, 4)]).keys() == {1, 2}


def test_a_file_is_imported_composed(call: Call, services: Services, old_client: int) -> None:
    rows = (
        f"phone_number;tag;attributes.{DECOMPOSED}\n79770000001;{DECOMPOSED};{DECOMPOSED}\n79770000009;{DECOMPOSED};\n"
    )
    answer = call("POST", "/Clients/import", body=rows.encode(), content_type="text/csv")
    assert answer.status == 202, answer.text
    assert run_import(services, ImportClients(1), lambda: 60.0) is None
    shown = [call("GET", f"/Clients/{number}").json for number in (1, 2)]
    assert [client["tag"] for client in shown] == [COMPOSED, COMPOSED], "an import of an export mends old rows"
    assert shown[1]["attributes"] == {COMPOSED: COMPOSED}
    assert f"attributes.{COMPOSED}" in call("GET", f"/Clients/export?attributes={quote(DECOMPOSED)}").text


def test_forms_offer_each_label_once(services: Services, old_client: int) -> None:
    services.labels.add_from([Client(5, "79770000005", tag=COMPOSED)])
    assert services.labels.read("tag", 10) == [COMPOSED]
    assert services.labels.existing("tag", [COMPOSED, "нет"]) == {COMPOSED}


def test_the_name_of_a_token_is_composed(services: Services) -> None:
    token = services.tokens.find(digest(make_token(services, DECOMPOSED, "read")))
    assert token is not None
    assert token.principal.name == COMPOSED
