"""The console through chalice.test.Client: sign-in, roles, and every form."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.test import Client
from urllib3.filepost import encode_multipart_formdata

from app import app
from chalicelib.access.tokens import make_token
from chalicelib.adapters import aws
from chalicelib.adapters.services import Services
from chalicelib.adapters.tables.mailings import Mailings
from chalicelib.clients.import_worker import process_import
from chalicelib.clients.registry import register_client
from chalicelib.console.condition_form import form_of
from chalicelib.delivery.fanout import start_mailing, walk_slice
from chalicelib.domain.allowed_steps import FIXED_AFTER_START, useful_steps
from chalicelib.domain.audience import Plan
from chalicelib.domain.canary import Canary
from chalicelib.domain.condition_json import from_json
from chalicelib.domain.counts import Counts
from chalicelib.domain.mailing import STATUSES, Mailing
from chalicelib.domain.mailing_fields import MailingFields
from chalicelib.domain.message import MessageKey
from chalicelib.domain.outcome import TAKEN, Kind
from chalicelib.fields import MAILING as FIELDS
from chalicelib.mailings import lifecycle
from chalicelib.texts import Text
from infra.local.doubles.fake_clock import FakeClock
from infra.local.doubles.fake_gateway import FakeGateway, answer_of
from tests.cheap_user import put_user
from tests.message_changes import close
from tests.workbooks import workbook_of

from .conftest import Answer, Call

STOP_IMPORT = "/console/stop-list/import"
NO_MEANINGS: Mapping[str, str] = {}
SCRIPT = "<script>alert(1)</script>"
MAILING = {
    "datetime_start": "2040-01-01T10:00:00Z",
    "datetime_end": "2040-01-01T12:00:00Z",
    "message_text": "hello",
    "step": "save",
}


@dataclass
class Browser:
    """Keeps the cookie, and adds the form token to each POST."""

    http: Any
    cookie: str = ""
    csrf: str = ""
    headers: dict[str, str] = field(default_factory=lambda: {"Accept-Language": "en"})

    def get(self, path: str) -> Answer:
        return self._request("GET", path, b"")

    def post(self, path: str, **form: Any) -> Answer:
        body = urlencode({"csrf": self.csrf, **form}, doseq=True).encode()
        return self._request("POST", path, body)

    def sign_in(self, name: str, password: str = "secret") -> Answer:
        answer = self.post("/console/sign-in", name=name, password=password)
        self.csrf = _token_in(self.get("/console").text)
        return answer

    def send_file(self, path: str, file_name: str, content: str | bytes) -> Answer:
        body, content_type = encode_multipart_formdata({"csrf": self.csrf, "file": (file_name, content)})
        return self._request("POST", path, body, {"Content-Type": content_type})

    def ask_columns(self, file_name: str, content: str | bytes) -> Answer:
        """Uploads a file of clients, and opens the page with the question what its columns mean."""
        answer = self.send_file("/console/imports", file_name, content)
        return self.get(answer.headers["Location"]) if answer.status == 303 else answer

    def upload(
        self, file_name: str, content: str | bytes, meanings: Mapping[str, str] = NO_MEANINGS, dry_run: bool = False
    ) -> Answer:
        """Imports a file of clients. `meanings`: by the name of the column, in place of what the page has chosen."""
        answer = self.send_file("/console/imports", file_name, content)
        if answer.status != 303:
            return answer
        page = self.get(answer.headers["Location"]).text
        form = {}
        for select in re.findall(r"<select.*?</select>", page, re.DOTALL):
            name, column = (html.unescape(one) for one in re.findall(r'name="([^"]*)"', select)[:2])
            chosen = re.search(r'value="([^"]*)" selected', select)
            form[name] = meanings.get(column, html.unescape(chosen[1]) if chosen else "")
        return self.post(answer.headers["Location"], **form, dry_run=str(dry_run).lower())

    def _request(self, method: str, path: str, body: bytes, more: dict[str, str] | None = None) -> Answer:
        headers = {"Host": "api.example.com", "X-Forwarded-Proto": "https", **self.headers}
        headers |= {"Cookie": self.cookie} if self.cookie else {}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        headers |= more or {}
        answer = self.http.request(method, path, headers=headers, body=body)
        if "Set-Cookie" in answer.headers:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return Answer(answer.status_code, answer.headers, answer.body.decode())


def _token_in(page: str) -> str:
    return _hidden(page, "csrf")


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return found[1] if found else ""


def edit(browser: Browser, path: str, **form: Any) -> Answer:
    """Opens the form and submits it."""
    return browser.post(path, version=_hidden(browser.get(path).text, "version"), **form)


def open_new_form(browser: Browser) -> str:
    """The address of a new draft."""
    answer = browser.get("/console/mailings/new")
    assert answer.status == 303
    return answer.headers["Location"]


def new_form(browser: Browser, **form: Any) -> Answer:
    """Opens a new draft and presses one of its buttons: `step`, by default the check."""
    return browser.post(open_new_form(browser), **{**form, "step": form.get("step", "save")})


def launch(browser: Browser, draft: str = "", **form: Any) -> Answer:
    """Fills in a draft, checks it, and launches what the check has shown. Answers what refused it, if something did."""
    draft = draft or open_new_form(browser)
    page = browser.get(draft).text
    shown = {name: _hidden(page, name) for name in ("version", "page")}
    checked = browser.post(draft, **{**form, **shown, "step": "check"})
    if checked.status != 303:
        return checked
    assert checked.headers["Location"] == f"{draft}/check"
    return launch_checked(browser, draft)


def launch_checked(browser: Browser, draft: str) -> Answer:
    page = browser.get(f"{draft}/check")
    return browser.post(f"{draft}/launch", version=_hidden(page.text, "version")) if page.status == 200 else page


DUE: MailingFields = {"datetime_start": datetime(2020, 1, 1, tzinfo=UTC)}


def launch_due(browser: Browser, services: Services, **form: Any) -> Answer:
    """Launches a mailing whose start is past: the time for an undo is over."""
    answer = launch(browser, **form)
    lifecycle.change_mailing(services, 1, DUE)
    return answer


def _without_token(page: str) -> str:
    """Each page has another form token."""
    return re.sub(r'name="csrf" value="[^"]*"', "", page)


@pytest.fixture
def anonymous(services: Services) -> Iterator[Browser]:
    """A browser that is not signed in, with a session key, a gateway and two users."""
    services.session_key = FakeKey()  # type: ignore[misc, assignment]
    services.gateway = FakeGateway(FakeClock())  # type: ignore[misc, assignment]
    put_user(services, "anna", "admin")
    put_user(services, "boris", "read")
    with Client(app) as client:
        yield Browser(client.http)


@pytest.fixture
def anna(anonymous: Browser) -> Browser:
    anonymous.sign_in("anna")
    return anonymous


class FakeKey:
    def value(self) -> str:
        return "a key that signs"


def test_the_scheme_may_be_in_capitals_as_localstack_writes_it(anonymous: Browser) -> None:
    anonymous.headers["X-Forwarded-Proto"] = "HTTPS"
    assert anonymous.get("/").headers["Location"] == "https://api.example.com/console/"
    assert "Secure" in anonymous.sign_in("anna").headers["Set-Cookie"]


def test_the_root_redirects_to_the_console_and_the_console_to_the_sign_in(anonymous: Browser) -> None:
    assert anonymous.get("/").headers["Location"] == "https://api.example.com/console/"
    assert anonymous.get("/console").headers["Location"] == "/console/sign-in?next=%2Fconsole"
    assert "password" in anonymous.get("/console/sign-in").text


def test_sign_in_redirects_to_the_requested_page_of_the_console_only(anonymous: Browser) -> None:
    def entered(wanted: str) -> str:
        answer = anonymous.post("/console/sign-in", name="anna", password="secret", next=wanted)
        assert answer.status == 303
        return answer.headers["Location"]

    assert entered("/console/clients") == "/console/clients"
    for elsewhere in ("//evil.example", "https://evil.example", "/consoleevil", "/console/..//evil", "javascript:1"):
        assert entered(elsewhere) == "/console"


def test_the_cookie_is_limited_to_the_console_and_hidden_from_scripts(anonymous: Browser) -> None:
    cookie = anonymous.sign_in("anna").headers["Set-Cookie"]
    for part in ("Path=/console", "HttpOnly", "SameSite=Lax", "Secure", "Max-Age=43200"):
        assert part in cookie


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("unknown", "secret"), (SCRIPT, "x"), ("", "")])
def test_a_wrong_name_or_password_is_an_error_on_the_page(anonymous: Browser, name: str, password: str) -> None:
    answer = anonymous.post("/console/sign-in", name=name, password=password)
    assert answer.status == 401
    assert "The name or the password is wrong." in answer.text
    assert SCRIPT not in answer.text
    assert "Set-Cookie" not in answer.headers


def test_a_cookie_with_an_invalid_signature_is_refused(anna: Browser) -> None:
    anna.cookie = anna.cookie[:-2] + "xx"
    assert anna.get("/console/clients").status == 303
    anna.cookie = "session=;;;"
    assert anna.get("/console/clients").status == 303


@pytest.mark.parametrize(
    "cookies", ["a[]=1; {}", "{}; a[]=1", "a; {}", "=1; {}", "é=1; {}", '";"; {}', "{};", "a=\\0;{}"]
)
def test_cookies_of_other_applications_do_not_sign_out(anna: Browser, cookies: str) -> None:
    anna.cookie = cookies.format(anna.cookie)
    assert anna.get("/console/clients").status == 200


def test_the_cookie_of_the_longest_path_comes_first_and_counts(anna: Browser) -> None:
    """Browsers sort by the length of the path (RFC 6265, 5.4): a session of another application on "/" follows."""
    anna.cookie += "; session=other"
    assert anna.get("/console/clients").status == 200


def test_sign_out_ends_the_session_whoever_has_its_cookie(anna: Browser) -> None:
    old = anna.cookie
    answer = anna.post("/console/sign-out")
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    anna.cookie = old
    assert anna.get("/console").status == 303


def test_each_page_has_another_form_token_and_all_of_them_hold(anna: Browser) -> None:
    """API Gateway compresses pages. A token that stays the same could be guessed by the size of pages (BREACH)."""
    tokens = {_token_in(anna.get("/console/clients/new").text) for _ in range(3)}
    assert len(tokens) == 3
    form = {"phone_number": "1", "timezone": "UTC"}
    assert [anna.post("/console/clients/new", csrf=token, **form).status for token in tokens] == [400] * 3


def test_a_form_without_a_valid_token_or_from_another_site_changes_nothing(
    anna: Browser, written: Callable[[], list[Any]]
) -> None:
    before = written()
    assert anna.post("/console/clients/new", csrf="", phone_number="79770000001", timezone="UTC").status == 403
    anna.headers["Sec-Fetch-Site"] = "cross-site"
    assert anna.post("/console/clients/new", phone_number="79770000001", timezone="UTC").status == 403
    assert anna.post("/console/sign-in", name="anna", password="secret").status == 403
    assert written() == before


def test_a_user_with_the_read_role_sees_everything_and_changes_nothing(
    anonymous: Browser, written: Callable[[], list[Any]]
) -> None:
    anonymous.sign_in("boris")
    before = written()
    for path in ("/console", "/console/clients", "/console/tokens", "/console/audit"):
        assert anonymous.get(path).status == 200
    assert anonymous.post("/console/clients/new", phone_number="79770000001", timezone="UTC").status == 403
    assert anonymous.post("/console/tokens", name="shop", role="admin").status == 403
    for step in ("opt_out", "sign-out"):
        assert anonymous.post(f"/console/clients/1/{step}").status == 403
    assert written() == before
    assert anonymous.post("/console/sign-out").status == 303


def test_a_client_is_created_found_changed_and_deleted(anna: Browser) -> None:
    answer = anna.post("/console/clients/new", phone_number="79770000001", tag="vip", timezone="Europe/Moscow")
    assert answer.headers["Location"] == "/console/clients?phone_number=79770000001&done=saved"
    assert "79770000001" in anna.get("/console/clients?tag=vip").text
    assert "79770000001" not in anna.get("/console/clients?tag=other").text
    assert 'value="vip"' in anna.get("/console/clients/1").text
    edit(anna, "/console/clients/1", phone_number="79770000002", tag="", timezone="UTC")
    assert "79770000002" in anna.get("/console/clients?operator_code=977").text
    assert "Delete this client?" in anna.get("/console/clients/1/delete").text
    anna.post("/console/clients/1/delete")
    assert anna.get("/console/clients/1").status == 404


def test_attributes_are_lines_of_the_client_form_and_placeholders_of_a_text(anna: Browser, services: Services) -> None:
    gateway: Any = services.gateway
    form = {"phone_number": "79774053329", "tag": "", "timezone": "UTC"}
    refused = anna.post("/console/clients/new", **{**form, "phone_number": "1"}, attributes="имя")
    for text in ("In each line a name, = and a value", "Enter a phone number", ">\nимя</textarea>"):
        assert text in refused.text
    assert "cannot be the name" in anna.post("/console/clients/new", **form, attributes="a b=c").text
    anna.post("/console/clients/new", **form, attributes=f"имя=Анна\r\n\r\n формула = a=b\r\nscript={SCRIPT}")
    page = anna.get("/console/clients/1").text
    assert "имя=Анна\nформула=a=b</textarea>" in page
    assert "script, имя, формула" in page
    edit(anna, "/console/clients/1", **form, attributes=f"имя=Анна\r\nscript={SCRIPT}")
    audit = anna.get("/console/audit").text
    assert all(f"{name}=***" in audit for name in ("имя", "script", "формула"))
    assert "script&gt;" not in audit
    assert "<code>{имя}</code>" in anna.get(open_new_form(anna)).text
    unknown = {**MAILING, "message_text": "{нет}"}
    assert "Unknown fields: нет." in new_form(anna, **unknown).text
    assert "Unknown fields: нет." in anna.post("/console/preview", message_text="{нет}").text
    shown = anna.post("/console/preview", message_text="{имя}: {script} {phone_number}").text
    for text in ("+7 977 ***-**-29", "Анна: &lt;script&gt;", "7977*****29", "Length of the longest text"):
        assert text in shown
    assert "79774053329" not in shown
    test_message = {**MAILING, "message_text": "{имя|друг}", "step": "test"}
    for phone in ("79774053329", "79210000001"):
        assert "The test message was sent." in new_form(anna, **test_message, test_phone=phone).text
    assert [post.text for post in gateway.posts] == ["Анна", "друг"]
    refused = new_form(anna, **{**test_message, "message_text": "{нет}"}, test_phone="79210000001")
    assert "Unknown fields: нет." in refused.text


def test_of_two_forms_of_one_client_the_second_is_refused_with_what_changed(anna: Browser) -> None:
    form = {"phone_number": "79770000001", "tag": "vip", "timezone": "UTC", "attributes": "имя=Анна"}
    anna.post("/console/clients/new", **form)
    path = "/console/clients/1"
    opened = _hidden(anna.get(path).text, "version")
    anna.post(f"{path}/opt_out")
    assert anna.post(path, **form, version=opened).status == 303, "the form does not show the stop list"
    edit(anna, path, **{**form, "tag": SCRIPT, "attributes": "имя=Анна\r\nгород=Омск"})
    refused = anna.post(path, **{**form, "phone_number": "79770000002"}, version=opened)
    assert refused.status == 409
    note = refused.text.partition('role="alert"')[2].partition("</div>")[0]
    assert re.findall(r"<dt>(.*?)</dt>", note) == ["Tag", "Attributes"]
    for text in ("&lt;script&gt;", "город=Омск<br>имя=Анна"):
        assert text in note
    assert 'value="79770000002"' in refused.text, "what was typed is kept"
    assert "79770000001" in anna.get(path).text
    version = _hidden(refused.text, "version")
    for _ in range(2):
        assert anna.post(path, **{**form, "phone_number": "79770000002"}, version=version).status == 303
    wrong = anna.post(path, **{**form, "phone_number": "1"}, version=opened)
    assert _hidden(wrong.text, "version") == opened
    assert anna.post(path, **{**form, "phone_number": "79770000003"}).status == 409


def test_a_time_zone_that_is_no_longer_common_is_not_replaced_by_the_first_of_the_list(
    anna: Browser, services: Services
) -> None:
    register_client(services, {"phone_number": "79770000001", "timezone": "Europe/Kiev"})
    assert "<option selected>Europe/Kiev</option>" in anna.get("/console/clients/1").text
    refused = anna.post("/console/clients/1", phone_number="79770000001", timezone="Europe/Kiev")
    assert "Europe/Kyiv is expected" in refused.text


def test_a_client_opts_out_and_in_by_a_button_with_a_confirmation(anna: Browser, services: Services) -> None:
    gateway: Any = services.gateway
    anna.post("/console/clients/new", phone_number="79770000001", tag="vip", timezone="UTC")
    assert "/console/clients/1/opt_out" in anna.get("/console/clients/1").text
    assert "Put this client on the stop list?" in anna.get("/console/clients/1/opt_out").text
    answer = anna.post("/console/clients/1/opt_out")
    assert answer.headers["Location"] == "/console/clients/1?done=opt_out"
    page = anna.get("/console/clients/1?done=opt_out").text
    for text in ("Client added to the stop list.", "On the stop list", "/console/clients/1/opt_in"):
        assert text in page
    assert "opted out" in anna.get("/console/clients").text
    assert "client 1: opted out" in anna.get("/console/audit").text
    refused = new_form(anna, **{**MAILING, "step": "test"}, test_phone="79770000001")
    assert refused.status == 400
    assert "This phone number is on the stop list" in refused.text
    assert "<b>0</b>" in anna.post("/console/preview", message_text="hello").text
    assert "Ask the person first" in anna.get("/console/clients/1/opt_in").text
    anna.post("/console/clients/1/opt_in")
    assert "opted out" not in anna.get("/console/clients").text
    assert gateway.posts == []
    assert anna.get("/console/clients/1/fly").status == anna.post("/console/clients/1/fly").status == 404


def test_a_consent_is_entered_in_the_form_and_withdrawn_by_a_button_with_a_confirmation(
    anna: Browser, services: Services
) -> None:
    form = {"phone_number": "79770000001", "tag": "", "timezone": "UTC"}
    given = {"consent_at": "2026-03-01T10:00:00", "consent_source": "the form", "consent_text": f"I agree.\r\n{SCRIPT}"}
    refused = anna.post("/console/clients/new", **form, consent_text="I agree.")
    assert refused.status == 400
    assert "A source or a text needs the time of the consent." in refused.text
    anna.post("/console/clients/new", **form, **given)
    page = anna.get("/console/clients/1").text
    for text in ("Given.", 'value="2026-03-01T10:00"', "I agree.\n&lt;script&gt;", "/console/clients/1/withdraw"):
        assert text in page
    edit(anna, "/console/clients/1", **form, **given, consent_withdrawn_at="")
    assert len(anna.get("/console/audit").text.split("client 1:")) == 2, "saving the form changes nothing"
    assert "Withdraw this client&#39;s consent to marketing?" in anna.get("/console/clients/1/withdraw").text
    answer = anna.post("/console/clients/1/withdraw")
    assert answer.headers["Location"] == "/console/clients/1?done=withdraw"
    page = anna.get("/console/clients/1?done=withdraw").text
    for text in ("Consent to marketing withdrawn.", "Withdrawn.", 'value="2026-03-01T10:00"'):
        assert text in page
    assert "/console/clients/1/withdraw" not in page
    assert "client 1: consent withdrawn" in anna.get("/console/audit").text
    found = services.clients.get(1)
    assert found is not None
    assert found.consent_withdrawn_at is not None
    assert "/console/clients/1/consent-report" in page
    report = csv.reader(io.StringIO(anna.get("/console/clients/1/consent-report").text), delimiter=";")
    assert [row[0] for row in report] == ["\ufeffkind", "consent", "withdrawal"]


def test_the_purpose_of_a_mailing_is_chosen_and_shown_with_the_clients_that_marketing_reaches(
    anna: Browser, services: Services
) -> None:
    anna.post("/console/clients/new", phone_number="79770000001", tag="", timezone="UTC")
    assert "Marketing goes to clients without a consent too" in anna.get(open_new_form(anna)).text
    services.settings = replace(services.settings, require_consent=True)
    assert "Marketing is sent only to clients with a consent." in anna.get(open_new_form(anna)).text
    for purpose, number in (("service", 1), ("marketing", 0)):
        preview = anna.post("/console/preview", message_text="hello", purpose=purpose).text
        assert f"<b>{number}</b>" in preview
        assert ("without a consent to marketing are not counted" in preview) == (purpose == "marketing")
    made = launch(anna, **MAILING, purpose="marketing").headers["Location"].partition("?")[0]
    assert "<dd>Marketing</dd>" in anna.get(made).text
    assert '<option value="marketing" selected>' in anna.get(f"{made}/edit").text


def test_a_number_is_put_on_the_stop_list_found_and_removed(anna: Browser) -> None:
    assert "/console/stop-list" in anna.get("/console/clients").text
    assert "The stop list is empty." in anna.get("/console/stop-list").text
    answer = anna.post("/console/stop-list", phone_number="79770000001", reason="asked <b>in the shop</b>")
    assert answer.headers["Location"] == "/console/stop-list?phone_number=79770000001&done=stopped"
    page = anna.get("/console/stop-list?phone_number=79770000001&done=stopped").text
    for text in ("Number added", "79770000001", "asked &lt;b&gt;in the shop&lt;/b&gt;", "the console"):
        assert text in page
    again = anna.post("/console/stop-list", phone_number="79770000001")
    assert again.headers["Location"].endswith("done=stopped_before")
    assert "not on the stop list" in anna.get("/console/stop-list?phone_number=79770000002").text
    assert "looks like this" in anna.get("/console/stop-list?phone_number=7977").text
    assert "/remove" in anna.get("/console/stop-list?phone_number=8+(977)+000-00-01").text
    anna.post("/console/clients/new", phone_number="79770000001", timezone="UTC")
    assert "/console/clients/1" in anna.get("/console/stop-list").text
    assert "On the stop list" in anna.get("/console/clients/1").text
    assert "Ask the person first" in anna.get("/console/stop-list/79770000001/remove").text
    assert anna.post("/console/stop-list/79770000001/remove").headers["Location"].endswith("done=resumed")
    assert "On the stop list" not in anna.get("/console/clients/1").text
    assert anna.get("/console/stop-list/79770000001/remove").status == 404
    assert anna.post("/console/stop-list/x/remove").status == 404


@pytest.mark.parametrize(("head", "says_it"), [("Статус", True), ("opted_out_at", True), ("tag", False)])
def test_a_file_that_says_who_has_opted_out_is_not_imported_without_saying_what_happens(
    anna: Browser, head: str, says_it: bool
) -> None:
    page = anna.ask_columns("a.csv", f"phone_number;{head}\n79770000001;\n").text
    assert ('<p id="stops" class="note warning">' in page) == says_it
    assert '<p id="ignored-stops" class="error" role="alert" hidden>' in page, (
        "files.js shows it if the column is left out"
    )
    assert ("If the column with the opt-outs is left out" in page) == says_it, "without a script"


def test_a_file_of_the_stop_list_is_imported(anna: Browser, services: Services) -> None:
    assert "/console/stop-list/import" in anna.get("/console/stop-list").text
    assert 'action="/console/stop-list/import" enctype="multipart/form-data"' in anna.get(STOP_IMPORT).text
    file = "Телефон;Причина\n79770000001;asked in the shop\n"
    answer = anna.send_file(STOP_IMPORT, "stops.csv", file)
    assert (answer.status, answer.headers["Location"]) == (303, "/console/imports/1?done=imported")
    assert process_import(services, 1, lambda: 60.0)
    assert "(Stop list): stops.csv" in anna.get("/console/imports/1").text
    assert "asked in the shop" in anna.get("/console/stop-list").text


def test_a_wrong_number_of_the_stop_list_is_an_error_beside_its_field(anna: Browser) -> None:
    answer = anna.post("/console/stop-list", phone_number="7977", reason="call 89770000001")
    assert answer.status == 400
    for text in ("Enter a phone number as 79XXXXXXXXX", "A reason has no phone number", 'value="7977"'):
        assert text in answer.text


def test_the_stop_list_has_pages_and_is_downloaded(anna: Browser) -> None:
    for number in range(60):
        anna.post("/console/stop-list", phone_number=f"797700000{number:02d}")
    page = anna.get("/console/stop-list").text
    assert len(page.encode()) < 100_000
    following = re.search(r'href="([^"]*cursor=[^"]*)"', page)
    assert following is not None
    second = anna.get(html.unescape(following[1])).text
    assert page.count("/remove") + second.count("/remove") == 60
    file = anna.get("/console/stop-list/export")
    assert file.headers["Content-Disposition"] == 'attachment; filename="stop-list.csv"'
    assert len(file.text.splitlines()) == 61


def test_the_page_of_a_client_lists_its_messages_and_leads_to_older_ones(anna: Browser, services: Services) -> None:
    form = {"phone_number": "79774053329", "tag": "", "timezone": "UTC"}
    anna.post("/console/clients/new", **form)
    assert "No messages to this client yet." in anna.get("/console/clients/1").text
    for text in ("first", SCRIPT):
        launch(anna, **{**MAILING, "message_text": text})
    for mailing_id in (1, 2):
        lifecycle.change_mailing(services, mailing_id, DUE)
        start_mailing(services, mailing_id)
        walk_slice(services, mailing_id, 0, lambda: 60.0)
    page = anna.get("/console/clients/1?limit=1").text
    assert html.escape(SCRIPT) in page
    assert 'href="/console/mailings/2"' in page
    assert "first" not in page
    following = re.search(r'href="([^"]+)" rel="next"', page)
    assert following is not None
    assert "first" in anna.get(html.unescape(following[1])).text


def test_the_page_of_a_client_has_the_texts_as_the_client_got_them(anna: Browser, services: Services) -> None:
    anna.post("/console/clients/new", phone_number="79774053329", timezone="UTC", attributes="name=Anna")
    launch_due(anna, services, **{**MAILING, "message_text": "Hello, {name|friend}! {phone_number}"})
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    page = anna.get("/console/clients/1").text
    assert "Hello, Anna! 7977*****29" in page
    assert "The texts have the values of the client as they are now." in page


def test_operator_codes_are_folded_until_one_is_chosen(anna: Browser) -> None:
    anna.post("/console/clients/new", phone_number="79774053329", timezone="UTC")
    form = open_new_form(anna)
    assert re.search(r"<details[^>]*>(?=<summary>Clients with any of these operator codes)", anna.get(form).text)
    anna.post(form, **MAILING, filter_op_codes=["977"], version=_hidden(anna.get(form).text, "version"))
    assert re.search(r"<details[^>]* open>(?=<summary>Clients with any of these operator codes)", anna.get(form).text)


def test_errors_of_a_client_are_shown_beside_their_fields(anna: Browser, written: Callable[[], list[Any]]) -> None:
    before = written()
    answer = anna.post("/console/clients/new", phone_number=SCRIPT, tag="a,b", timezone="Mars/Base")
    assert answer.status == 400
    for text in ("Enter a phone number", "A tag is one label", "is not a known time zone"):
        assert text in answer.text
    assert SCRIPT not in answer.text
    assert written() == before


def test_a_wrong_date_is_answered_with_an_example_that_can_be_typed(anna: Browser, call: Call) -> None:
    client = {"phone_number": "79770000001", "timezone": "UTC", "consent_source": "site", "consent_text": "yes"}
    wrong = anna.post("/console/clients/new", **client, consent_at="01.11.2026")
    assert "Write the date and the time as 2026-12-31 09:30, or the date alone: 2026-12-31." in wrong.text
    assert 'value="01.11.2026"' in wrong.text
    since = {"where_0_field": "registered_at", "where_0_operator": "since", "where_0_value": "31.02.2026", "filter": ""}
    anna.headers = {"Accept-Language": "ru"}
    for answer in (
        anna.post("/console/segments/new", name="x", step="save", **since),
        new_form(anna, **{**MAILING, "datetime_start": "01.11.2026", "step": "check"}),
        anna.post("/console/preview", **{**MAILING, **since}),
    ):
        assert "Напишите дату и время так: 2026-12-31 09:30." in answer.text
        assert "ГГГГ" not in answer.text
    assert anna.post("/console/clients/new", **client, consent_at="2026-11-01 09:30").status == 303
    assert "YYYY-MM-DDThh:mm" in call("POST", "/Mailing/", {**MAILING, "datetime_start": "01.11.2026"}).text


def test_a_canary_is_set_shown_and_named_as_the_reason_of_a_pause(anna: Browser, services: Services) -> None:
    refused = launch(anna, **MAILING, max_error_rate="5")
    assert "It is the canary" in refused.text
    made = launch(anna, **MAILING, canary="20", max_error_rate="0").headers["Location"]
    path = made.partition("?")[0]
    assert 'name="max_error_rate" inputmode="numeric" value="0"' in anna.get(f"{path}/edit").text
    before = lifecycle.get_mailing(services, int(path.rpartition("/")[2]))
    reason = Canary(20, 0).pause_reason(3, 20)
    services.mailings.change(before, replace(before, status="paused", paused_because=reason))
    page = anna.get(path).text
    assert f"The mailing was paused automatically. {reason} Resume the mailing" in page
    anna.headers["Accept-Language"] = "ru"
    assert "Не удалось отправить 3 из первых 20 сообщений: это больше 0 %." in anna.get(path).text


def test_a_mailing_is_announced_edited_and_cancelled(anna: Browser) -> None:
    answer = launch(anna, **MAILING, filter_tag=["vip"], filter_tag_typed="other, third")
    assert answer.headers["Location"] == "/console/mailings/1?done=launched"
    page = anna.get("/console/mailings/1?done=launched").text
    for text in ("hello", "vip, other, third", "The mailing is scheduled for", "scheduled"):
        assert text in page
    form = anna.get("/console/mailings/1/edit").text
    assert 'value="2040-01-01T10:00:00"' in form
    edit(anna, "/console/mailings/1/edit", **{**MAILING, "message_text": "line\r\nline"})
    assert "line\nline" in anna.get("/console/mailings/1").text
    assert "Cancel this mailing?" in anna.get("/console/mailings/1/cancel").text
    anna.post("/console/mailings/1/cancel")
    assert "cancelled" in anna.get("/console/mailings/1").text
    anna.post("/console/mailings/1/delete")
    assert anna.get("/console/mailings/1").status == 404


def test_of_two_forms_of_one_mailing_the_second_is_refused_with_what_changed(anna: Browser) -> None:
    launch(anna, **MAILING, rate_limit="5")
    path = "/console/mailings/1/edit"
    opened = _hidden(anna.get(path).text, "version")
    edit(anna, path, **{**MAILING, "message_text": SCRIPT, "datetime_end": "2040-01-01T13:00:00Z"}, rate_limit="5")
    refused = anna.post(path, **{**MAILING, "message_text": "mine"}, rate_limit="5", version=opened)
    assert refused.status == 409
    note = refused.text.partition('role="alert"')[2].partition("</div>")[0]
    assert re.findall(r"<dt>(.*?)</dt>", note) == ["End", "Text"]
    for text in ("the data has changed since you opened the form", "&lt;script&gt;", "Jan 1, 2040, 1:00 PM UTC"):
        assert text in note
    assert "mine</textarea>" in refused.text, "what was typed is kept"
    assert "mine" not in anna.get("/console/mailings/1").text
    again = anna.post(path, **{**MAILING, "message_text": "mine"}, version=_hidden(refused.text, "version"))
    assert again.status == 303
    assert "mine" in anna.get("/console/mailings/1").text


def test_a_change_between_the_check_and_the_write_is_refused_as_well(anna: Browser, services: Services) -> None:
    launch(anna, **MAILING)
    path = "/console/mailings/1/edit"
    opened = _hidden(anna.get(path).text, "version")
    services.mailings = Overtaken(services.mailings, "theirs")  # type: ignore[misc, assignment]
    refused = anna.post(path, **{**MAILING, "message_text": "mine"}, version=opened)
    assert refused.status == 409
    assert '<dd class="text">theirs</dd>' in refused.text
    assert services.mailings.get(1).message_text == "theirs"  # type: ignore[union-attr]


class Overtaken:
    """A table of mailings in which another person's text is written right before the first change."""

    def __init__(self, mailings: Mailings, text: str) -> None:
        self.mailings = mailings
        self.texts = [text]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.mailings, name)

    def change(self, before: Mailing, *others: Any) -> Mailing:
        if self.texts:
            self.mailings.change(before, replace(before, message_text=self.texts.pop()))
        return self.mailings.change(before, *others)


def test_a_form_sent_twice_or_with_a_step_in_between_is_saved(anna: Browser, services: Services) -> None:
    """Only the fields that the form shows count: not a pause, a resume or a start."""
    launch_due(anna, services, **MAILING)
    path = "/console/mailings/1/edit"
    opened = _hidden(anna.get(path).text, "version")
    start_mailing(services, 1)
    anna.post("/console/mailings/1/pause")
    sent = {"message_text": "mine", "datetime_end": "2041-01-01T00:00:00Z", "step": "save"}
    for _ in range(2):
        assert anna.post(path, **sent, version=opened).status == 303
    preview = anna.post(path, **{**sent, "step": "preview"}, version=opened).text
    assert _hidden(preview, "version") == opened, "a preview does not renew the version"
    for version in ("", "x", "x" * 60, SCRIPT):
        assert anna.post(path, **{**sent, "message_text": "other"}, version=version).status == 409


def test_a_form_that_was_opened_before_the_start_cannot_change_fixed_fields_silently(
    anna: Browser, services: Services
) -> None:
    launch_due(anna, services, **MAILING, filter_tag=["vip"])
    path = "/console/mailings/1/edit"
    opened = _hidden(anna.get(path).text, "version")
    start_mailing(services, 1)
    form = {**MAILING, "datetime_start": "2020-01-01T00:00:00Z", "version": opened, "canary": "", "max_error_rate": ""}
    refused = anna.post(path, **form, filter_tag=["vip"], filter_tag_typed="more")
    assert refused.status == 400
    assert "this can no longer be changed" in refused.text
    assert 'name="filter_tag_typed" value="vip"' in refused.text
    assert anna.post(path, **form, filter_tag_typed="vip", filter_op_codes_typed="").status == 303


def test_errors_of_a_mailing_are_shown_beside_their_fields(anna: Browser) -> None:
    wrong = {**MAILING, "datetime_end": "2039-01-01T10:00:00Z", "filter_op_codes_typed": "12"}
    answer = launch(anna, **wrong)
    assert answer.status == 400
    assert "is not an operator code" in answer.text
    answer = launch(anna, **{**wrong, "filter_op_codes_typed": ""})
    assert "The end must be later than the start." in answer.text
    assert "hello" in answer.text, "the typed text is kept"


ROWS = {
    "where_joined": "any",
    "where_0_field": "tag",
    "where_0_operator": "is",
    "where_0_value": "vip, new",
    "where_1_field": "attribute",
    "where_1_name": "город",
    "where_1_operator": "is_not",
    "where_1_value": "Омск",
    "filter": "",
}


@pytest.fixture
def omsk(services: Services) -> None:
    register_client(services, {"phone_number": "79770000001", "tag": "vip", "attributes": {"город": "Омск"}})


@pytest.mark.usefixtures("omsk")
def test_conditions_are_chosen_in_rows_counted_shown_as_a_sentence_and_edited_again(
    anna: Browser, services: Services
) -> None:
    assert "Recipients as of now: <b>1</b>" in " ".join(anna.post("/console/preview", **MAILING, **ROWS).text.split())
    more = new_form(anna, **{**MAILING, "step": "rows"}, **ROWS).text
    assert 'name="where_4_field"' in more
    assert 'value="vip, new"' in more
    saved = launch(anna, **MAILING, **ROWS)
    assert saved.status == 303
    page = anna.get("/console/mailings/1").text
    assert "the tag is one of: vip, new or the attribute “город” is not “Омск”" in page
    form = anna.get("/console/mailings/1/edit").text
    assert 'value="vip,new"' in form
    assert re.search('<option value="is_not" selected>', form)
    opened = services.mailings.get(1)
    assert edit(anna, "/console/mailings/1/edit", **MAILING, **ROWS).status == 303
    assert services.mailings.get(1) == opened, "the same rows change nothing"
    assert edit(anna, "/console/mailings/1/edit", **MAILING, filter="").status == 303
    assert "the tag is" not in anna.get("/console/mailings/1").text


@pytest.mark.usefixtures("omsk")
def test_a_condition_that_rows_cannot_express_is_edited_as_json(anna: Browser, call: Call) -> None:
    nested = {"all": [{"any": [{"field": "tag", "is": "vip"}, {"field": "tag", "present": False}]}]}
    call("POST", "/Mailing", json={"datetime_start": "2040-01-01", "datetime_end": "2040-01-02", "message_text": "a"})
    assert call("PATCH", "/Mailing/1", json={"filter": nested}).status == 200
    form = html.unescape(anna.get("/console/mailings/1/edit").text)
    written = form.partition('name="filter"')[2].partition(">")[2].partition("</textarea>")[0]
    assert json.loads(written) == nested
    row = {"where_0_field": "operator_code", "where_0_operator": "is", "where_0_value": "977"}
    assert edit(anna, "/console/mailings/1/edit", **MAILING, **row, filter=written).status == 303
    both = {"all": [{"field": "operator_code", "is": "977"}, nested]}
    assert call("GET", "/Mailing/1").json["filter"] == both


@pytest.mark.usefixtures("omsk")
def test_a_mistake_in_a_condition_is_shown_in_its_row_and_what_was_typed_stays(anna: Browser) -> None:
    wrong = {**ROWS, "where_1_name": "горд"}
    answer = launch(anna, **MAILING, **wrong)
    assert answer.status == 400
    assert "No client has ever had this attribute" in answer.text
    assert 'aria-describedby="where_1_name-error"' in answer.text
    assert 'aria-describedby="where_1_value-error"' not in answer.text
    assert 'value="горд"' in answer.text
    assert "No client has ever had this attribute" in anna.post("/console/preview", **MAILING, **wrong).text
    broken = launch(anna, **MAILING, filter='{"all": [{"tag": 1}]}')
    assert broken.status == 400
    assert "<code>all.0</code>: Exactly one of all or any" in broken.text


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "tag", "is": "vip"},
        {"all": [{"field": "tag", "in": ["a", "b"]}, {"not": {"field": "operator_code", "in": ["977", "978"]}}]},
        {"any": [{"field": "attributes.x", "is": "a, b"}, {"not": {"field": "attributes.x", "is": "a"}}]},
        {"all": [{"field": "attributes.x", "at_least": 18}, {"field": "attributes.x", "less_than": 17.5}]},
        {"all": [{"field": "registered_at", "since": "2026-01-01T00:00:00Z"}, {"field": "tag", "present": False}]},
        {"all": [{"received": 7}, {"not_received": 8}]},
        {"all": [{"field": "opted_in", "is": True}, {"field": "opted_in", "is": False}]},
        {"all": [{"field": "timezone", "starts_with": "Asia/"}, {"field": "attributes.x", "present": True}]},
    ],
)
def test_rows_that_are_not_changed_make_the_same_condition(condition: dict[str, Any]) -> None:
    form = form_of(condition)
    assert (form.written, len(form.rows) >= 1) == ("", True)
    assert from_json(form.sent) == from_json(condition)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "condition",
    [
        {"not": {"received": 7}},
        {"all": [{"field": "tag", "is": "vip"}]},
        {"any": [{"all": [{"field": "tag", "is": "a"}, {"field": "tag", "is": "b"}]}, {"field": "tag", "is": "c"}]},
        {"not": {"field": "tag", "starts_with": "v"}},
        {"field": "tag", "in": ["vip"]},
        {"field": "attributes.x", "is": "a\nb"},
    ],
)
def test_what_rows_would_change_is_left_as_json(condition: dict[str, Any]) -> None:
    form = form_of(condition)
    assert form.rows == ()
    assert json.loads(form.written) == condition
    assert json.loads(str(form.sent)) == condition


ROW = {"where_joined": "all", "where_0_field": "tag", "where_0_operator": "is", "where_0_value": "vip", "filter": ""}


@pytest.mark.usefixtures("omsk")
def test_a_condition_suggests_the_values_that_clients_have_and_warns_if_it_chooses_nobody(anna: Browser) -> None:
    counted = anna.post("/console/segments/new", name="VIP", step="count", **{**ROW, "where_0_value": "VIP"}).text
    assert "No client meets the conditions." in counted
    assert "Letter case matters: “VIP” is not “vip”." in counted
    assert "Letter case matters" in anna.post("/console/preview", **MAILING, **{**ROW, "where_0_value": "VIP"}).text
    assert "Letter case" not in anna.post("/console/segments/new", name="VIP", step="count", **ROW).text
    for page in (counted, anna.get(open_new_form(anna)).text):
        for kind, value in {"tag": "vip", "operator_code": "977", "timezone": "Europe/Moscow"}.items():
            suggested = page.partition(f'<datalist id="values_{kind}">')[2].partition("</datalist>")[0]
            assert f'<option value="{value}">' in suggested
            assert (value == "vip") == ("vip" in suggested), "the values of the field alone"
    assert re.search('id="where_0_value"[^>]* list="values_tag"', counted)
    attribute = {**ROW, "where_0_field": "attribute", "where_0_name": "город", "where_0_value": "омск"}
    counted = anna.post("/console/segments/new", name="x", step="count", **attribute).text
    assert "Letter case matters" in counted
    assert re.search('id="where_0_value"[^>]*>', counted)[0].count(" list=") == 0, "values of attributes are not known"


@pytest.mark.usefixtures("omsk")
def test_a_segment_is_made_changed_and_deleted_in_the_console_and_chosen_for_a_mailing(anna: Browser) -> None:
    assert "data-unsaved" not in anna.get("/console/segments/new").text
    counted = anna.post("/console/segments/new", name="VIP", step="count", **ROW)
    assert '<form method="post" class="form" data-unsaved>' in counted.text, "leaving the page would lose it"
    assert "Recipients as of now: <b>1</b>" in counted.text
    assert 'name="where_3_field"' in anna.post("/console/segments/new", name="VIP", step="rows", **ROW).text
    assert anna.post("/console/segments/new", name="VIP", step="save", **ROW).status == 303
    assert "the tag is “vip”" in anna.get("/console/segments").text
    listed = anna.get("/console/segments").text
    assert "/console/segments?count=all" in listed
    assert "Recipients as of now" not in listed, "nothing is counted unasked"
    for count in ("all", "1"):
        assert re.search(
            r'data-label="Recipients as of now"><b>1</b>', anna.get(f"/console/segments?count={count}").text
        )
    assert 'href="/console/segments?count=1">Count</a>' in anna.get("/console/segments?count=7").text
    form = anna.get("/console/segments/1/edit").text
    assert 'value="vip"' in form
    version = _hidden(form, "version")
    renamed = anna.post("/console/segments/1/edit", name="Gold", step="save", version=version, **ROW)
    assert renamed.status == 303
    outdated = anna.post("/console/segments/1/edit", name="Old", step="save", version=version, **ROW)
    assert outdated.status == 409
    assert '<dd class="text">Gold</dd>' in outdated.text, "what another person has saved"
    assert '<option value="1">1: Gold</option>' in anna.get(open_new_form(anna)).text
    assert 'href="/console/mailings/new?segment=1"' in anna.get("/console/segments").text
    begun = anna.get("/console/mailings/new?segment=1").headers["Location"]
    assert '<option value="1" selected>1: Gold</option>' in anna.get(begun).text
    preview = anna.post("/console/preview", **MAILING, segment="1", filter="").text
    assert "the client is in the segment “Gold”" in preview
    assert launch(anna, **MAILING, segment="1", filter="").status == 303
    assert "the client is in the segment “Gold”: the tag is “vip”" in anna.get("/console/mailings/1").text
    assert "<small>Segment:</small> 1: Gold</div>" in anna.get("/console/audit").text
    assert '<option value="1" selected>' in anna.get("/console/mailings/1/edit").text
    assert "Delete this segment?" in anna.get("/console/segments/1/delete").text
    assert anna.post("/console/segments/1/delete").status == 303
    assert "No segments yet." in anna.get("/console/segments").text
    assert '<option value="1" selected>1: Gold' in anna.get("/console/mailings/1/edit").text, "the mailing keeps it"


@pytest.mark.parametrize(
    "fields",
    [
        {"where_0_field": "mailing", "where_0_operator": "is", "where_0_value": "9" * 5000},
        {"filter": '{"\\ud800": 1, "field": "tag", "is": "vip"}'},
        {**ROW, "filter": '{"all": [{"field": "tag", "is": "a"}], "all": [{"field": "tag", "is": "b"}]}'},
    ],
    ids=["a long number", "half of a character", "a repeated name"],
)
def test_a_condition_that_no_form_makes_is_refused_and_shown(anna: Browser, fields: dict[str, str]) -> None:
    for step in ("count", "save"):
        answer = anna.post("/console/segments/new", name="VIP", step=step, **fields)
        assert answer.status == 400
        assert 'class="error"' in answer.text
    assert launch(anna, **MAILING, **fields).status == 400


def test_mistakes_in_a_segment_are_shown_and_what_was_typed_stays(anna: Browser) -> None:
    wrong = anna.post("/console/segments/new", name="", step="save", **{**ROW, "where_0_operator": "before"})
    assert wrong.status == 400
    assert 'id="name-error"' in wrong.text
    assert 'aria-describedby="where_0_value-error"' in wrong.text
    assert 'value="vip"' in wrong.text
    assert anna.post("/console/segments/new", name="x", step="save", filter="").status == 400
    assert anna.get("/console/segments/9/edit").status == 404


def test_an_attribute_without_a_name_is_an_error_of_the_name(anna: Browser) -> None:
    nameless = {**ROW, "where_1_field": "attribute", "where_1_name": "", "where_1_operator": "is_not"}
    nameless["where_1_value"] = "Омск"
    answer = anna.post("/console/segments/new", name="x", step="save", **nameless)
    assert answer.status == 400
    assert '<div id="where_1_name-error"><p class="error">Enter the name of the attribute.</p></div>' in answer.text
    marked = re.findall(r'id="(\w+)"[^>]* aria-invalid="true" aria-describedby="where_1_name-error"', answer.text)
    assert marked == ["where_1_name"]
    assert "operator_code or" not in answer.text
    assert 'value="Омск"' in answer.text
    assert "Enter the name of the attribute." in anna.post("/console/preview", **MAILING, **nameless).text


def test_a_mailing_wholly_in_the_past_is_not_launched_by_a_person_but_accepted_from_a_program(
    anna: Browser, call: Call
) -> None:
    anna.post("/console/clients/new", phone_number="79770000001", tag="vip", timezone="UTC")
    past = {**MAILING, "datetime_start": "2022-08-22T22:42:16Z", "datetime_end": "2022-08-20T21:42:16Z"}
    shown = anna.post("/console/preview", **past).text
    assert "No client would be reached" in shown
    assert "Clients outside their local hours until the end: 1." in shown
    refused = launch(anna, **past)
    assert refused.status == 400
    assert "The end is in the past: nothing would be sent." in refused.text
    assert "hello" in refused.text, "the typed text is kept"
    made = {name: past[name] for name in ("datetime_start", "datetime_end", "message_text")}
    assert call("POST", "/Mailing", form=made).status == 201
    assert "Finished" in anna.get("/console/mailings/1").text
    assert edit(anna, "/console/mailings/1/edit", **{**past, "message_text": "new"}).status == 303
    later = {**past, "datetime_start": "2040-08-22T22:42:16Z"}
    assert "The end must be later than the start." in edit(anna, "/console/mailings/1/edit", **later).text


def test_local_hours_are_set_in_the_form_and_shown_with_the_mailing(anna: Browser) -> None:
    refused = launch(anna, **MAILING, time_from="09:00")
    assert refused.status == 400
    assert "time_from and time_to are expected together" in refused.text
    saved = launch(anna, **MAILING, time_from="09:00", time_to="21:00")
    own = saved.headers["Location"].partition("?")[0]
    assert "09:00–21:00" in anna.get(own).text
    assert 'value="21:00"' in anna.get(f"{own}/edit").text


def test_a_step_that_the_status_does_not_allow_is_refused_with_a_reason(anna: Browser) -> None:
    launch(anna, **MAILING)
    answer = anna.post("/console/mailings/1/pause")
    assert answer.status == 409
    assert "Only a running mailing can be paused; this one is scheduled." in answer.text
    assert anna.post("/console/mailings/1/fly").status == 404
    assert anna.get("/console/mailings/1/pause").status == 404


STEP_PAGES = {
    "change": "edit",
    "pause": "pause",
    "resume": "resume",
    "cancel": "cancel",
    "resend": "resend",
    "delete": "delete",
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("end", ["2020-01-02T00:00:00+00:00", "2040-01-01T12:00:00+00:00"])
def test_the_buttons_are_the_steps_that_the_mailing_allows(
    anna: Browser, services: Services, status: str, end: str
) -> None:
    launch(anna, **MAILING)
    before = lifecycle.get_mailing(services, 1)
    counts = Counts(total=2, sent=1, failed=1)
    after = replace(
        before, status=status, datetime_end=datetime.fromisoformat(end), plan=Plan("block", 10, 1, 1), ended_at=None
    )
    services.mailings.add_counts(1, counts, services.clock.now())
    services.mailings.change(before, after)
    mailing = lifecycle.get_mailing(services, 1)
    page = anna.get("/console/mailings/1").text
    buttons = set(re.findall(r'<(?:button|a class="button") id="(\w+)"', page))
    assert buttons == {STEP_PAGES[step] for step in useful_steps(mailing, services.clock.now())}
    is_over = end < "2026"
    assert ("first move the end into the future" in page) == (status == "finished" and is_over)


def test_the_form_shows_the_audience_and_the_cost(anna: Browser) -> None:
    for number, tag in enumerate(["vip", "vip", "new"]):
        anna.post("/console/clients/new", phone_number=f"7977000000{number}", tag=tag, timezone="UTC")
    page = anna.post("/console/preview", message_text="я" * 71, filter_tag=["vip"]).text
    numbers = re.findall(r"<b>(\d+)</b>", page)
    assert numbers == ["2", "2", "4"], "clients, parts of the text, parts in all"
    assert "<b>3</b>" in new_form(anna, **{**MAILING, "step": "preview"}).text
    assert 'value="vip" checked' in new_form(anna, step="preview", filter_tag=["vip"]).text


def test_the_form_shows_the_forecast_of_the_end_and_of_expired_messages(anna: Browser) -> None:
    for number, zone in enumerate(["Europe/Moscow"] * 3 + ["Asia/Kamchatka"]):
        anna.post("/console/clients/new", phone_number=f"7977000000{number}", timezone=zone)
    short = {"datetime_start": "2030-06-03T06:00:00Z", "datetime_end": "2030-06-03T06:00:02Z", "rate_limit": "1"}
    page = anna.post("/console/preview", **short, time_from="09:00", time_to="12:00").text
    assert "Rate, messages per second: 1." in page
    assert "Clients not reached before the end at this rate: 1." in page
    assert "Required rate, messages per second: 2." in page
    assert "Clients outside their local hours until the end: 1." in page
    assert "Europe/Moscow: 3, Asia/Kamchatka: 1" in page
    assert "Expected time of the last message" not in anna.post("/console/preview", rate_limit="1").text, (
        "without times there is no forecast"
    )


def test_the_form_of_a_started_mailing_keeps_the_fixed_fields(anna: Browser, services: Services) -> None:
    for number, tag in enumerate(["vip", "vip", "new"]):
        anna.post("/console/clients/new", phone_number=f"7977000000{number}", tag=tag, timezone="UTC")
    launch_due(anna, services, **MAILING, filter_tag=["vip"])
    start_mailing(services, 1)
    services.mailings.add_counts(1, Counts(total=2), services.clock.now())
    sent = {"message_text": "я" * 71, "datetime_end": "2041-01-01T00:00:00Z"}
    page = anna.post("/console/preview", **sent, mailing="1").text
    assert re.findall(r"<b>(?:at least )?(\d+)</b>", page) == ["2", "2", "4"], (
        "the audience of the mailing, not all clients"
    )
    form = edit(anna, "/console/mailings/1/edit", **sent, step="preview").text
    assert 'value="2020-01-01T00:00:00"' in form
    assert 'value="vip" checked' in form
    assert edit(anna, "/console/mailings/1/edit", **sent, step="save").status == 303
    assert "vip" in anna.get("/console/mailings/1").text


class DisabledFields(HTMLParser):
    """The names of a form's fields, by whether they are disabled, alone or with their fieldset."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.nesting: list[bool] = []
        self.names: dict[bool, set[str]] = {True: set(), False: set()}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "fieldset":
            self.nesting.append("disabled" in given)
        name = (given.get("name") or "").removesuffix("_typed")
        if name in FIELDS:
            self.names["disabled" in given or any(self.nesting)].add(name)

    def handle_endtag(self, tag: str) -> None:
        if tag == "fieldset":
            self.nesting.pop()


def test_the_form_disables_exactly_the_fixed_fields(anna: Browser, services: Services) -> None:
    new = DisabledFields(anna.get(open_new_form(anna)).text)
    shown = set(FIELDS) - {"sender", "max_cost"}  # the contract takes no sender, and there is no price
    assert new.names == {True: set(), False: shown}
    launch_due(anna, services, **MAILING)
    start_mailing(services, 1)
    started = DisabledFields(anna.get("/console/mailings/1/edit").text)
    assert started.names == {True: set(FIXED_AFTER_START), False: shown - set(FIXED_AFTER_START)}


def test_a_mailing_can_have_a_sender_if_the_gateway_takes_one(anna: Browser, services: Services) -> None:
    services.settings = replace(services.settings, gateway="twilio", gateway_dedupes=False)
    made = launch(anna, **MAILING, sender="CAFE").headers["Location"].partition("?")[0]
    assert "<dd>CAFE</dd>" in anna.get(made).text
    assert 'name="sender" value="CAFE"' in anna.get(f"{made}/edit").text


def test_the_form_and_the_page_of_a_mailing_have_its_maximum_cost_and_what_it_has_cost(
    anna: Browser, services: Services
) -> None:
    services.settings = replace(services.settings, gateway_price=3_500_000, gateway_currency="RUB")
    register_client(services, {"phone_number": "79770000001"})
    preview = anna.post("/console/preview", **MAILING).text
    assert '<b id="cost-of-texts">3.50 RUB</b>' in preview
    assert "less than $0.01" in preview
    made = launch(anna, **MAILING, max_cost="100").headers["Location"].partition("?")[0]
    assert 'name="max_cost" inputmode="decimal" value="100.00"' in anna.get(f"{made}/edit").text
    start_mailing(services, 1)
    services.mailings.add_counts(1, Counts(total=1, sent=1, parts=2, cost=7_000_000), services.clock.now())
    assert '<span id="spent">7.00 / 100.00 RUB</span>' in anna.get(made).text
    assert "· 7.00 RUB</small>" in anna.get("/console/mailings").text
    refused = anna.post("/console/mailings/1/edit", **MAILING, max_cost="many", version="")
    assert 'id="max_cost-error"' in refused.text


def test_messages_in_doubt_are_resent_only_if_a_person_ticks_them(anna: Browser, services: Services) -> None:
    launch(anna, **MAILING)
    services.mailings.add_counts(1, Counts(total=2, failed=1, unknown=1), services.clock.now())
    page = anna.get("/console/mailings/1/resend").text
    assert 'value="failed" checked' in page
    assert 'value="unknown" checked' not in page
    assert 'value="expired" checked' not in page, "no message has expired"
    assert "a second time" in page


def test_a_resend_with_nothing_ticked_asks_again_beside_the_boxes(anna: Browser, services: Services) -> None:
    launch(anna, **MAILING)
    services.mailings.add_counts(1, Counts(total=2, failed=1, unknown=1), services.clock.now())
    anna.headers = {"Accept-Language": "ru"}
    answer = anna.post("/console/mailings/1/resend")
    assert answer.status == 400
    boxes = answer.text.partition("<fieldset")[2].partition("</fieldset>")[0]
    assert '<p class="error" role="alert" id="statuses-error">Отметьте хотя бы один статус.</p>' in boxes
    assert "отказ (1)" in boxes
    assert " checked" not in boxes, "as it was submitted"
    assert "expired" not in re.sub(r"<[^>]*>", "", answer.text)
    assert lifecycle.get_mailing(services, 1).resends == 0


@pytest.mark.parametrize("expected", [True, False])
def test_delivered_messages_are_shown_if_receipts_are_enabled(
    anna: Browser, services: Services, expected: bool
) -> None:
    launch(anna, **MAILING)
    services.mailings.add_counts(1, Counts(total=5, sent=5, delivered=3, undelivered=2), services.clock.now())
    services.settings = replace(services.settings, receipts=expected)
    page = anna.get("/console/mailings/1").text
    assert ('<b id="count-delivered">3</b>' in page) == expected
    assert ('?status=undelivered#messages"' in page) == expected
    assert '<b id="count-sent">5</b>' in page


@pytest.mark.parametrize("kind", Kind)
def test_the_page_of_a_test_message_says_for_each_kind_of_answer_what_to_do(
    kind: Kind, anna: Browser, services: Services
) -> None:
    gateway: Any = services.gateway
    gateway.answers = [answer_of(kind)]
    page = new_form(anna, **{**MAILING, "step": "test"}, test_phone="79770000001").text
    if kind in TAKEN:
        assert "The test message was sent." in page
        return
    begins = "It is not known whether the test message was sent." if kind is Kind.AMBIGUOUS else "was not sent."
    reason = gateway.adapter.outcome(answer_of(kind), services.clock.now()).reason
    assert f"{begins} {reason} {Text(f'after_test.{kind.value}')}" in html.unescape(page)


def test_a_test_message_is_sent_to_one_number_and_recorded(anna: Browser, services: Services) -> None:
    gateway: Any = services.gateway
    answer = new_form(anna, **{**MAILING, "step": "test"}, test_phone="79770000001")
    assert "The test message was sent." in answer.text
    assert [(post.phone_number, post.text) for post in gateway.posts] == [("79770000001", "hello")]
    assert "test message 1: sent" in anna.get("/console/audit").text
    assert new_form(anna, **{**MAILING, "step": "test"}, test_phone="12").status == 400
    assert len(gateway.posts) == 1
    assert anna.get("/console/mailings/1").status == 404


def test_a_token_is_shown_once_and_can_be_revoked(anna: Browser, services: Services) -> None:
    made = anna.post("/console/tokens", name="shop", role="read")
    token = re.search(r"<code id=\"new-token\">([0-9a-f]{40})</code>", made.text)
    assert token is not None
    listed = anna.get("/console/tokens").text
    assert "shop" in listed
    assert token[1] not in listed + anna.get("/console/audit").text
    digest = services.tokens.newest(1)[0].digest
    assert "Revoke this token?" in anna.get(f"/console/tokens/{digest}/revoke").text
    anna.post(f"/console/tokens/{digest}/revoke")
    assert "revoked" in anna.get("/console/tokens").text
    for name, error in (("", "A name of 1 to 64"), ("boris", "A user has this name"), ("a\u202eb", "cannot be seen")):
        refused = anna.post("/console/tokens", name=name, role="read")
        assert refused.status == 400
        assert error in refused.text
    for unknown in ("unknown", "0" * 64, "0" * 3000):
        assert anna.get(f"/console/tokens/{unknown}/revoke").status == 404
        assert anna.post(f"/console/tokens/{unknown}/revoke").status == 404


def test_tokens_are_paginated(anna: Browser, services: Services) -> None:
    for number in range(60):
        make_token(services, f"program {number}", "read")
    first = anna.get("/console/tokens").text
    following = re.search(r'href="(/console/tokens\?[^"]+)" rel="next"', first)
    assert following is not None
    second = anna.get(following[1].replace("&amp;", "&")).text
    shown = set(re.findall(r"program \d+", first)), set(re.findall(r"program \d+", second))
    assert not shown[0] & shown[1]
    assert len(shown[0] | shown[1]) == 60


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_person_sees_the_first_rows_and_says_what_the_columns_mean(
    anna: Browser, services: Services, written: Callable[[], list[Any]], kind: str
) -> None:
    rows = [("Телефон", "ФИО", "", "Id", "Дата отписки"), ("8 977 000-00-01", SCRIPT, "x", "7", "2026-01-02")]
    content = workbook_of(*rows) if kind == "xlsx" else "\n".join(map("\t".join, rows)).encode()
    before = written()
    looked = anna.ask_columns("a", content)
    assert looked.status == 200
    assert written() == before
    for text in (
        "8 977 000-00-01",
        "(column 3)",
        '<option value="phone_number" selected>',
        "attributes.ФИО",
        "stop list",
    ):
        assert text in looked.text
    assert SCRIPT not in looked.text
    assert '<p id="stops" class="note warning">' in looked.text
    assert "left out and not kept: <b>ФИО, (column 3), Id</b>" in looked.text
    anna.upload("a", content, {"ФИО": "attributes.имя"})
    process_import(services, 1, lambda: 60.0)
    client = services.clients.get(1)
    assert client is not None
    assert (client.phone_number, client.attributes["имя"]) == ("79770000001", SCRIPT)
    assert "attributes.имя" in anna.ask_columns("a", content).text, "in use"


@pytest.mark.parametrize("content", ["", "\n", "a;b\x00\n"])
def test_a_file_whose_columns_cannot_be_read_is_refused_with_the_reason(anna: Browser, content: str) -> None:
    answer = anna.ask_columns("a", content)
    assert (answer.status, 'class="error"' in answer.text) == (400, True)


def test_a_dry_run_says_so_and_is_started_by_a_button(anna: Browser, services: Services) -> None:
    answer = anna.upload("a.csv", "Телефон\n79770000001\n7\n", dry_run=True)
    assert answer.headers["Location"] == "/console/imports/1?done=checking"
    assert "Check started." in anna.get("/console/imports/1?done=checking").text
    assert anna.post("/console/imports/1/start").status == 409
    process_import(services, 1, lambda: 60.0)
    page = anna.get("/console/imports/1").text
    assert "No client was changed." in page
    assert "Refused rows" in page
    assert services.clients.get(1) is None
    assert anna.post("/console/imports/1/start").headers["Location"] == "/console/imports/2?done=imported"
    process_import(services, 2, lambda: 60.0)
    assert services.clients.get(1) is not None
    assert "No client was changed." not in anna.get("/console/imports/2").text


def test_an_import_is_undone_after_a_question(anna: Browser, services: Services) -> None:
    anna.upload("a.csv", "Телефон\n79770000001\n79770000002\n")
    assert "Undo import" not in anna.get("/console/imports/1").text, "it runs"
    process_import(services, 1, lambda: 60.0)
    anna.post("/console/clients/2/opt_out")
    assert 'href="/console/imports/1/undo"' in anna.get("/console/imports/1").text
    assert "Opt-outs and withdrawn consents stay." in anna.get("/console/imports/1/undo").text
    assert anna.post("/console/imports/1/undo").headers["Location"] == "/console/imports/1?done=undo"
    assert "Undo started." in anna.get("/console/imports/1?done=undo").text
    process_import(services, 1, lambda: 60.0)
    page = anna.get("/console/imports/1").text
    for text in ("Undone", '<dd id="undo-removed">1</dd>', '<dd id="undo-kept">1</dd>', "changed since"):
        assert text in page
    assert 'href="/console/imports/1/undo"' not in page
    assert "Undone" in anna.get("/console/imports").text


def test_the_file_to_fill_in_is_in_the_users_language_and_can_be_imported(anna: Browser) -> None:
    for language, name in (("en", "Phone number"), ("ru", "Телефон")):
        anna.headers["Accept-Language"] = language
        file = anna.get("/console/imports/template")
        assert "attachment" in file.headers["Content-Disposition"]
        assert file.text.startswith(f"\ufeff{name};")
        assert anna.upload("a.csv", f"{file.text}79770000001;;UTC;\n").status == 303


def test_the_check_of_a_file_speaks_of_what_an_import_would_do(anna: Browser, services: Services) -> None:
    content = b"phone_number\n79770000001\n"
    anna.upload("clients.csv", content.decode(), dry_run=True)
    process_import(services, 1, lambda: 120.0)
    page = anna.get("/console/imports/1").text
    for text in ("<title>Check of a file 1", "Check completed", "To be added"):
        assert text in page
    assert 'href="/console/clients">Clients</a>' not in page.partition("<main")[2], "there is nothing to see yet"


def test_a_file_of_clients_is_imported_and_its_refused_rows_are_downloaded(anna: Browser, services: Services) -> None:
    answer = anna.upload("clients.csv", f"phone_number;tag\n79770000001;vip\n{SCRIPT};x\n")
    assert answer.headers["Location"] == "/console/imports/1?done=imported"
    assert "Import started." in anna.get("/console/imports/1?done=imported").text
    process_import(services, 1, lambda: 120.0)
    page = anna.get("/console/imports/1").text
    for text in ("Completed", "Encoding: utf-8", "Enter a phone number as", "clients.csv", "&lt;script&gt;"):
        assert text in page
    assert SCRIPT not in page
    assert "Opted out in the file" not in page
    for step in ("/console/clients", "/console/segments/new", "/console/mailings/new"):
        assert f'<a class="button" href="{step}">' in page
    assert "clients.csv" in anna.get("/console/imports").text
    assert "Rows and progress</a> · Rows: 2" in anna.get("/console/audit").text
    assert SCRIPT in anna.get("/console/imports/1/refused").text, "a CSV file to correct, not a page"
    assert "79770000001" in anna.get("/console/clients/export").text
    assert anna.get("/console/clients/export").headers["Content-Disposition"].startswith("attachment")


def test_the_page_of_an_import_counts_the_clients_that_the_file_opts_out(anna: Browser, services: Services) -> None:
    anna.upload("a.csv", "phone_number;opted_out_at\n79770000001;2026-01-02T03:04:05Z\n79770000002;\n")
    process_import(services, 1, lambda: 120.0)
    assert '<dt>Opted out in the file</dt><dd id="opted-out">1</dd>' in anna.get("/console/imports/1").text
    assert anna.get("/console/clients").text.count("opted out") == 1


FILE = "phone_number;скидка\n79770000001;10\n"


def test_what_a_person_has_said_of_the_columns_stays_on_the_page_of_a_refusal(
    anna: Browser, services: Services
) -> None:
    answer = anna.upload("a.csv", FILE, {"phone_number": "tag", "скидка": "attributes.скидка"})
    assert answer.status == 400
    for text in (
        "Not imported. Correct what the columns mean.",
        "Phone number: This column is required.",
        '<option value="tag" selected>',
        '<option value="attributes.скидка" selected>',
        "<b></b>",
    ):
        assert text in answer.text
    assert services.counters.last_id("import_id") == 0


def test_a_column_that_is_an_attribute_of_clients_becomes_it_again(anna: Browser, services: Services) -> None:
    assert "<b>скидка</b>" in anna.ask_columns("a.csv", FILE).text, "it is left out"
    anna.upload("a.csv", FILE, {"скидка": "attributes.скидка"})
    process_import(services, 1, lambda: 60.0)
    page = anna.ask_columns("b.csv", FILE).text
    assert '<option value="attributes.скидка" selected>' in page
    assert '<p id="left-out" class="note warning" role="status" hidden>' in page


def test_an_import_keeps_its_file_when_the_upload_is_gone(anna: Browser, services: Services) -> None:
    address = anna.send_file("/console/imports", "a.csv", FILE).headers["Location"]
    anna.upload("a.csv", FILE, dry_run=True)
    upload_id = address.partition("?")[0].rpartition("/")[2]
    aws.client("s3").delete_object(Bucket=services.settings.imports_bucket, Key=f"uploads/{upload_id}")
    assert "An uploaded file is kept for a day. Upload it again." in anna.get(address).text
    assert (anna.get(address).status, anna.post(address).status) == (404, 404)
    process_import(services, 1, lambda: 60.0)
    assert anna.post("/console/imports/1/start").status == 303


@pytest.mark.parametrize("upload_id", ["x", "..%2Fimports%2F1.csv", "0123456789abcde.", "0123456789abcdef"])
def test_an_address_that_no_upload_has_is_not_found(anna: Browser, upload_id: str) -> None:
    assert anna.get(f"/console/imports/uploads/{upload_id}").status == 404


def test_a_form_without_a_file_or_that_is_cut_off_is_refused_with_the_reason(anna: Browser) -> None:
    for path in ("/console/imports", STOP_IMPORT):
        for answer in (anna.send_file(path, "", ""), anna.post(path)):
            assert answer.status == 400
            assert '<div id="problem" class="error" role="alert"><p>Choose a file.</p></div>' in answer.text
            assert 'type="file"' in answer.text, "the page of the upload"
    body, content_type = encode_multipart_formdata({"csrf": anna.csrf, "file": ("a.csv", FILE)})
    for broken, kind in ((body[:-20], content_type), (body, "multipart/form-data"), (b"\xff", content_type)):
        answer = anna._request("POST", "/console/imports", broken, {"Content-Type": kind})
        assert (answer.status, "cannot be read" in answer.text) == (400, True)


def test_a_file_keeps_its_name_and_every_byte(anna: Browser, services: Services) -> None:
    content = "Телефон;Тег\r\n79770000001;из файла\r\n".encode("cp1251")
    anna.upload('цены "май" 100%.csv', content)
    process_import(services, 1, lambda: 60.0)
    client = services.clients.get(1)
    assert client is not None
    assert client.tag == "из файла"
    assert "цены &#34;май&#34; 100%.csv" in anna.get("/console/imports/1").text


def test_an_unreadable_file_is_refused_with_a_reason_and_the_read_role_cannot_import(
    anna: Browser, services: Services, written: Callable[[], list[Any]]
) -> None:
    before = written()
    for nothing in ("", " \n", "\ufeff", "\ufeff\n"):
        assert "The file is empty." in anna.upload("a.csv", nothing).text
    assert anna.send_file(STOP_IMPORT, "a.csv", f"{SCRIPT};phone\n").status == 400
    assert anna.upload("a.csv", "x" * (5 * 1024**2 + 1)).status == 413
    assert written() == before
    uploaded = anna.send_file("/console/imports", "a.csv", FILE).headers["Location"]
    anna.sign_in("boris")
    assert anna.upload("a.csv", FILE).status == 403
    assert (anna.get(uploaded).status, anna.post(uploaded).status) == (403, 403)
    assert services.counters.last_id("import_id") == 0


def test_typed_text_cannot_run_as_a_script(anna: Browser, services: Services) -> None:
    anna.post("/console/clients/new", phone_number="79770000001", tag=SCRIPT, timezone="UTC")
    launch(anna, **{**MAILING, "message_text": SCRIPT}, filter_tag=[SCRIPT])
    make_token(services, SCRIPT, "read")
    anna.upload(f"{SCRIPT}.csv", f"phone_number;tag\n{SCRIPT};{SCRIPT}\n")
    process_import(services, 1, lambda: 120.0)
    paths = [
        "/console",
        "/console/mailings",
        "/console/mailings?live=1",
        "/console/clients",
        "/console/tokens",
        "/console/audit",
        open_new_form(anna),
    ]
    paths += ["/console/mailings/1", "/console/mailings/1?live=1", "/console?live=1", "/console/mailings/1/delete"]
    paths += [
        "/console/mailings/1/edit",
        "/console/clients/1",
        "/console/clients/1/delete",
        "/console/clients?tag=<script>",
    ]
    for path in paths:
        answer = anna.get(path)
        assert answer.status == 200, path
        assert "<script>alert" not in answer.text, path
        assert not re.search(r"\son\w+=|style=|javascript:", answer.text.replace("&lt;", "")), path
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "&lt;script&gt;" in anna.get("/console/mailings/1").text


def test_an_unknown_address_or_method_is_an_error_page(anna: Browser) -> None:
    for path in ("/console/mailings/0", "/console/mailings/x", "/console/clients/99999", "/console/mailings?cursor=x"):
        answer = anna.get(path)
        assert answer.status in (400, 404), path
        assert ("Page not found" if answer.status == 404 else "The request was not completed") in answer.text
    assert anna.post("/console").status == 405


def test_pages_are_small(anna: Browser, services: Services) -> None:
    for number in range(60):
        anna.post(
            "/console/clients/new", phone_number=f"797700000{number:02d}", tag=f"tag number {number}", timezone="UTC"
        )
    for path in ("/console/clients", open_new_form(anna), "/console/clients/1", "/console/audit"):
        assert len(anna.get(path).text.encode()) < 100_000
    assert "cursor=" in anna.get("/console/clients").text


def test_errors_are_in_the_users_language(anna: Browser) -> None:
    anna.headers["Accept-Language"] = "ru"
    assert "Номер телефона: Этот столбец обязателен." in anna.upload("a.csv", "tag\nvip\n").text
    launch(anna, **MAILING)
    assert "Запланирована" in anna.get("/console/mailings/1").text
    assert "а эта запланирована." in anna.post("/console/mailings/1/pause").text


def test_stored_reasons_are_in_the_users_language_on_pages_and_in_english_in_the_api(
    anna: Browser, services: Services, call: Call
) -> None:
    anna.post("/console/clients/new", phone_number="79770000001", timezone="UTC")
    launch_due(anna, services, **MAILING)
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    close(services.messages, MessageKey(1, 1, 1), "failed", Text("gateway.message_refused", status=400))
    services.mailings.add_counts(1, Counts(failed=1), services.clock.now())
    anna.upload("a.csv", "phone_number;attributes.имя\n79770000001;a\x00b\n1;x\n")
    process_import(services, 1, lambda: 120.0)
    shown = call("GET", "/Stats/1").json["results"][0]["last_error"]
    assert shown == "The gateway refused the message (400)."
    assert shown in call("GET", "/Stats/1/export").text
    refused = call("GET", "/Clients/import/1").json["results"]
    assert refused[0]["errors"] == {"attributes": ['"имя": Null characters are not allowed.']}
    assert 'attributes: ""имя"": Null' in call("GET", "/Clients/import/1/refused").text
    assert shown in anna.get("/console/mailings/1").text
    anna.headers["Accept-Language"] = "ru"
    page = anna.get("/console/mailings/1").text
    assert page.count("Шлюз отклонил сообщение (400).") == 2, "in the list and among the last errors"
    page = anna.get("/console/imports/1").text
    assert "«имя»: Нулевые символы недопустимы." in page
    assert "Введите номер в виде 79XXXXXXXXX" in page


def test_the_reason_of_an_expiry_is_shown_on_pages_in_exports_and_in_the_api(
    anna: Browser, services: Services, call: Call
) -> None:
    anna.post("/console/clients/new", phone_number="79770000001", timezone="UTC")
    launch_due(anna, services, **MAILING)
    start_mailing(services, 1)
    walk_slice(services, 1, 0, lambda: 60.0)
    reason = Text("expiry.held_back", reason=Text("gateway.answered", status=500))
    close(services.messages, MessageKey(1, 1, 1), "expired", reason)
    services.mailings.add_counts(1, Counts(expired=1), services.clock.now())
    shown = call("GET", "/Stats/1").json["results"][0]["last_error"]
    assert shown == "Never posted, because the gateway failed until the mailing ended. The gateway answered 500."
    assert shown in call("GET", "/Stats/1/export").text
    anna.headers["Accept-Language"] = "ru"
    assert anna.get("/console/mailings/1").text.count("Сообщение не отправлялось: шлюз не работал") == 2


def test_pages_are_in_the_users_language(anonymous: Browser) -> None:
    anonymous.headers["Accept-Language"] = "ru-RU,ru;q=0.9,en;q=0.8"
    anonymous.sign_in("anna")
    page = anonymous.get("/console/mailings").text
    assert '<html lang="ru">' in page
    assert "Рассылок пока нет" in page
    answer = launch(anonymous, **{**MAILING, "filter_op_codes_typed": "12"})
    assert "«12» — не код оператора" in answer.text
    anonymous.headers["Accept-Language"] = "de, fr"
    assert '<html lang="en">' in anonymous.get("/console").text


def test_a_refusal_names_fields_as_the_page_does(anna: Browser, anonymous: Browser) -> None:
    draft = open_new_form(anna)
    anna.post(draft, message_text="", step="keep")
    anonymous.sign_in("boris")
    anonymous.headers = {"Accept-Language": "ru"}
    refused = anonymous.get(f"{draft}/check")
    assert refused.status == 400
    assert "<p>Текст: Заполните это поле.</p>" in refused.text
    assert "message_text" not in refused.text


def test_only_scripts_and_styles_are_served(anonymous: Browser) -> None:
    for name in (
        "console.css",
        "times.js",
        "live.js",
        "preview.js",
        "files.js",
        "draft.js",
        "moments.js",
        "conditions.js",
    ):
        assert anonymous.get(f"/console/static/{name}").status == 200
    assert anonymous.get("/console/static/routes.py").status == 404


def test_the_page_of_a_mailing_says_that_it_reaches_nobody(anna: Browser) -> None:
    assert "No client has these tags now: vipp." in anna.post("/console/preview", filter_tag="vipp").text
    launch(anna, **{**MAILING, "filter_tag": "vipp"})
    shown = anna.get("/console/mailings/1?done=saved").text
    assert "No client has these tags now: vipp." in shown
    assert "no recipients now" in shown
    anna.headers = {"Accept-Language": "ru"}
    assert "Сейчас нет ни одного клиента с тегами: vipp." in anna.get("/console/mailings/1").text
