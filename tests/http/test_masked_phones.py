"""Users of the console who only read see no complete phone number, and no search tells them its digits."""

from __future__ import annotations

import base64
import json
import re

import pytest

from chalicelib.access.tokens import make_token
from chalicelib.adapters.services import Services
from chalicelib.clients.import_worker import process_import

from .conftest import Call
from .test_console import MAILING, Browser, anna, anonymous, launch, open_new_form

__all__ = ["anna", "anonymous"]

DIGITS = ("9770000001", "9770000002", "977 000-00-03", "97700000", "9215550000")
FILE = "phone_number;attributes.примечание\n79770000004;\n7977000000;звонить 8 (921) 555-00-00\n79770000001;\n"
MISPLACED = "phone_number;timezone;status;т 9770000001\n79770000005;79770000002;;\n79770000006;UTC;8 977 000-00-03;\n"
NUMBERS = ("79770000001", "79770000002", "79770000004")


@pytest.fixture
def boris(anna: Browser, services: Services) -> Browser:
    """Two clients, one of them on the stop list, two numbers there without a client, an import with refused rows."""
    other = "другой=+7 977 000-00-03"
    consent = {"consent_at": "2026-01-02T03:04", "consent_source": "a call from 8 977 000-00-03"}
    anna.post("/console/clients/new", phone_number=NUMBERS[0], timezone="UTC", attributes=other, **consent)
    for number in NUMBERS[:2]:
        anna.post("/console/stop-list", phone_number=number, reason="")
    launch(anna, **MAILING)
    anna.upload("clients.csv", FILE)
    process_import(services, 1, lambda: 120.0)
    anna.cookie = ""
    anna.sign_in("boris")
    return anna


PAGES = ("/console/clients", "/console/clients/1", "/console/stop-list", "/console/imports/1", "/console/mailings/1")
PAGES += ("/console", "/console/calendar", "/console/audit", "/console/stop-list?phone_number=79770000001")
FILES = ("/console/clients/export", "/console/clients/1/consent-report", "/console/stop-list/export")
FILES += ("/console/imports/1/refused", "/console/mailings/1/export")


def test_no_page_and_no_file_shows_a_complete_phone_number_to_a_user_who_only_reads(boris: Browser) -> None:
    for path in (*PAGES, *FILES):
        answer = boris.get(path)
        assert answer.status == 200, path
        text = answer.text.replace(path, "").replace('value="79770000001"', "")
        assert not [digits for digits in DIGITS if digits in text], path
    for path in (*PAGES[:4], *FILES[:4]):
        assert "7977***" in boris.get(path).text, path


def test_the_reasons_and_column_names_of_refused_rows_show_no_number_to_a_user_who_only_reads(
    anna: Browser, services: Services
) -> None:
    anna.upload("clients.csv", MISPLACED)
    process_import(services, 1, lambda: 120.0)
    paths = ("/console/imports/1", "/console/imports/1/refused")
    assert all("79770000002" in anna.get(path).text for path in paths)
    anna.sign_in("boris")
    for path in paths:
        page = anna.get(path).text
        assert "7977*******" in page
        assert not [digits for digits in DIGITS if digits in page], path


def test_a_number_in_the_tag_or_the_consent_of_a_client_is_masked_on_every_page(anna: Browser) -> None:
    consent = {"consent_at": "2026-01-02T03:04", "consent_text": "Звонок с 8 (977) 000-00-03"}
    anna.post("/console/clients/new", phone_number=NUMBERS[0], timezone="UTC", tag="мама 977 000-00-03", **consent)
    anna.post("/console/clients/new", phone_number=NUMBERS[1], timezone="UTC", tag="vip")
    assert "000-00-03" not in anna.get("/console/audit").text
    anna.sign_in("boris")
    for path in ("/console/clients", "/console/clients/1", "/console/clients/export", "/console/audit"):
        assert "000-00-03" not in anna.get(path).text, path
    assert '<option value="vip">' in anna.get("/console/clients").text


def test_the_examples_of_a_draft_tell_no_digits_but_the_first_four(anna: Browser) -> None:
    other = "другой=+7 977 000-00-03"
    anna.post("/console/clients/new", phone_number=NUMBERS[0], timezone="UTC", attributes=other)
    draft = open_new_form(anna)
    anna.post(draft, **{**MAILING, "message_text": "{phone_number} {другой}", "step": "keep"})
    assert "7977*****01" in anna.get(f"{draft}/check").text
    anna.sign_in("boris")
    page = anna.get(f"{draft}/check").text
    assert "7977******* 7977*******" in page
    assert "+7 977 ***-**-**" in page
    assert "01" not in page.partition("7977*******")[0].rpartition("<blockquote")[2]


def test_an_administrator_and_a_program_that_only_reads_get_complete_numbers(
    boris: Browser, call: Call, services: Services
) -> None:
    reader = f"Token {make_token(services, 'oleg', 'read')}"
    assert call("GET", "/Clients", authorization=reader).json["results"][0]["phone_number"] == NUMBERS[0]
    assert NUMBERS[1] in call("GET", "/StopList", authorization=reader).text
    boris.sign_in("anna")
    for path in ("/console/clients", "/console/clients/export", "/console/stop-list", "/console/imports/1/refused"):
        assert "97700000" in boris.get(path).text, path


@pytest.mark.parametrize("part", ["*1", "0001", "79770", "7977000000", "977000000*", "*79770000001"[:9]])
def test_a_search_by_digits_that_the_role_does_not_show_is_refused(boris: Browser, part: str) -> None:
    for path in ("/console/clients", "/console/clients/export"):
        answer = boris.get(f"{path}?phone={part}")
        assert answer.status == 400
        assert "Your role does not show whole phone numbers" in answer.text


def test_a_user_who_only_reads_finds_a_client_by_the_whole_number_or_by_what_is_shown(boris: Browser) -> None:
    for written, found in (("79770000001", 1), ("8 (977) 000-00-01", 1), ("7977", 2), ("79770000009", 0)):
        page = boris.get(f"/console/clients?phone={written.replace(' ', '%20')}").text
        assert len(re.findall(r'href="/console/clients/\d+"', page)) == found, written
        assert "Search the end of numbers instead" not in page


def test_a_search_by_attribute_tells_no_digits_of_a_number_that_is_masked_there(boris: Browser) -> None:
    assert "7977*******" in boris.get("/console/clients?attribute=другой=7977").text
    for part in ("000-00-03", "+7 977 0".replace("+", "%2B").replace(" ", "%20")):
        assert "No client matches." in boris.get(f"/console/clients?attribute={part}").text


def test_the_addresses_of_the_next_pages_tell_no_number_and_pass_over_none(boris: Browser) -> None:
    seen = 0
    path: str | None = "/console/stop-list?limit=1"
    while path:
        page = boris.get(path).text
        seen += page.count('data-label="Opted out"')
        following = re.search(r'href="([^"]*)" rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else None
        if path:
            cursor = path.partition("cursor=")[2]
            numbers = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            assert str(numbers[1]) not in NUMBERS
    assert seen == 2
    first = boris.get("/console/stop-list/export?limit=1")
    link = re.search(r"<https://[^/]*([^>]*)>", first.headers["Link"])
    assert link is not None
    assert boris.get(link[1]).text.count("7977*******") == 1
