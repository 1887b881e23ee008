"""What the pages of the console do for a person: the language, a lost session, unknown addresses, the navigation."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.console.interrupted_form import MOST_FIELDS
from chalicelib.console.own_addresses import own_address

from .test_console import MAILING, SCRIPT, Browser, _hidden, _token_in, anna, anonymous, launch, open_new_form

__all__ = ["anna", "anonymous"]

TYPED = {**MAILING, "message_text": f"Ждём вас\nв субботу {SCRIPT}", "filter_tag": ["vip", "друзья"]}


def hidden_fields(page: str, form: str = 'method="post"') -> list[tuple[str, str]]:
    """Names and values of the hidden fields of the first form in the main part of the page."""
    main = page.partition("<main")[2].partition(form)[2].partition("</form>")[0]
    found = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', main)
    return [(html.unescape(name), html.unescape(value)) for name, value in found]


def as_form(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    names = dict.fromkeys(name for name, _ in fields)
    return {name: [value for other, value in fields if other == name] for name in names}


def end_session(browser: Browser) -> None:
    browser.cookie = ""


def test_a_form_that_outlives_its_session_is_kept_through_the_sign_in(
    anna: Browser, written: Callable[[], list[Any]]
) -> None:
    before, draft = written(), open_new_form(anna)
    end_session(anna)
    refused = anna.post(draft, **TYPED)
    assert refused.status == 401
    assert "What you typed is kept" in refused.text
    assert SCRIPT not in refused.text
    carried = as_form(hidden_fields(refused.text))
    assert carried["next"] == [draft]
    assert carried["kept.message_text"] == [TYPED["message_text"]]
    assert carried["kept.filter_tag"] == ["vip", "друзья"]
    assert "kept.csrf" not in carried
    wrong = anna.post("/console/sign-in", **carried, name="anna", password="wrong")
    assert as_form(hidden_fields(wrong.text)) == carried, "a wrong password loses nothing"
    shown = anna.post("/console/sign-in", **carried, name="anna", password="secret")
    assert (shown.status, SCRIPT in shown.text) == (200, False)
    assert [row for row in written() if row not in before and "message_text" in row] == [], "nothing is sent by itself"
    fields = as_form(hidden_fields(shown.text))
    assert fields.pop("csrf") != [anna.csrf]
    anna.csrf = _token_in(shown.text.partition("<main")[2])
    edited = anna.post(draft, **{**fields, "step": "preview"})
    assert (edited.status, 'name="step" value="preview"' in shown.text) == (200, True)
    assert "Ждём вас\nв субботу" in edited.text
    assert anna.post(draft, **{**fields, "step": "check"}).headers["Location"] == f"{draft}/check"


def test_a_step_without_fields_is_kept_too(anna: Browser) -> None:
    end_session(anna)
    carried = as_form(hidden_fields(anna.post("/console/clients/1/opt_out").text))
    shown = anna.post("/console/sign-in", **carried, name="anna", password="secret")
    assert (shown.status, 'action="/console/clients/1/opt_out"' in shown.text) == (200, True)


def test_no_password_and_no_form_of_another_site_is_kept(anna: Browser) -> None:
    end_session(anna)
    refused = anna.post("/console/tokens", name="shop", new_password="hush", password="hush")
    assert "kept.name" in refused.text
    assert "hush" not in refused.text
    assert "kept." not in anna.post("/console/tokens", name=["shop"] * (MOST_FIELDS + 1)).text
    anna.headers["Sec-Fetch-Site"] = "cross-site"
    refused = anna.post("/console/tokens", name="shop")
    assert (refused.status, "kept." in refused.text) == (401, False)
    anna.headers |= {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"}
    assert "kept." not in anna.post("/console/preview", message_text="x").text


def test_signing_out_after_the_session_has_ended_asks_for_nothing(anna: Browser) -> None:
    end_session(anna)
    assert anna.post("/console/sign-out").headers["Location"] == "/console/sign-in"


def test_the_sign_in_returns_to_the_page_with_its_filters(anonymous: Browser) -> None:
    asked = anonymous.get("/console/clients?tag=%D0%B4%D1%80%D1%83%D0%B3&limit=5").headers["Location"]
    wanted = _hidden(anonymous.get(asked).text.partition("<main")[2], "next")
    entered = anonymous.post("/console/sign-in", name="anna", password="secret", next=html.unescape(wanted))
    assert entered.headers["Location"] == "/console/clients?tag=%D0%B4%D1%80%D1%83%D0%B3&limit=5"


@pytest.mark.parametrize(
    "wanted", ["", "//x", "/console//x", "/console/../x", "/console?next=//x", "/console/a\n", "/consolex"]
)
def test_an_address_outside_the_console_is_not_followed(wanted: str) -> None:
    assert own_address(wanted) == "/console"


def test_the_chosen_language_comes_before_that_of_the_browser(anonymous: Browser) -> None:
    assert "Sign in to the console" in anonymous.get("/console/sign-in").text
    chosen = anonymous.post("/console/language", language="ru", next="/console/clients?tag=a")
    assert chosen.headers["Location"] == "/console/clients?tag=a"
    assert (
        "language=ru; Path=/console; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure" in chosen.headers["Set-Cookie"]
    )
    assert 'lang="ru"' in anonymous.get("/console/sign-in").text
    anonymous.cookie = "language=xx"
    assert '<html lang="en">' in anonymous.get("/console/sign-in").text
    assert anonymous.post("/console/language", language="xx").status == 400
    assert anonymous.post("/console/language", language="ru", next="//evil.example").headers["Location"] == "/console"
    anonymous.headers["Sec-Fetch-Site"] = "cross-site"
    assert anonymous.post("/console/language", language="ru").status == 403


def test_an_unknown_address_is_a_page_with_the_navigation(anna: Browser) -> None:
    for language, title in (("en", "Page not found"), ("ru", "Страница не найдена")):
        anna.headers["Accept-Language"] = language
        answer = anna.get("/console/nowhere")
        assert (answer.status, title in answer.text, "<nav" in answer.text) == (404, True, True)
    end_session(anna)
    assert anna.get("/console/nowhere").status == 303


@pytest.mark.parametrize(
    ("path", "section", "kind"),
    [
        ("/console/clients", "/console/clients", "page"),
        ("/console/clients/new", "/console/clients", "true"),
        ("/console/stop-list", "/console/clients", "true"),
        ("/console/imports", "/console/clients", "true"),
        ("/console", "/console", "page"),
        ("/console/mailings", "/console/mailings", "page"),
        ("/console/drafts", "/console/mailings", "true"),
        ("/console/series", "/console/mailings", "true"),
        ("/console/segments/new", "/console/segments", "true"),
    ],
)
def test_the_section_of_an_inner_page_is_marked(anna: Browser, path: str, section: str, kind: str) -> None:
    navigation = anna.get(path).text.partition("<nav")[2].partition("</nav>")[0]
    marked = re.findall(r'href="([^"]*)"[^>]* aria-current="(\w+)"', navigation)
    assert marked == [(section, kind)]


def test_the_shortcuts_are_a_page(anna: Browser) -> None:
    page = anna.get("/console/shortcuts").text
    assert re.findall(r"<kbd>(.)</kbd>", page)[:5] == ["?", "/", "n", "g", "o"]
    assert "/console/users" in page


FORM_PAGES = (
    "/console/mailings/new",
    "/console/clients/new",
    "/console/clients/1/delete",
    "/console/segments/new",
    "/console/stop-list/import",
    "/console/stop-list/79770000002/remove",
)
READ_PAGES = ("/console", "/console/mailings", "/console/series", "/console/clients", "/console/clients/1")
READ_PAGES += ("/console/segments", "/console/imports", "/console/stop-list", "/console/tokens", "/console/drafts")
READ_PAGES += ("/console/templates", "/console/calendar", "/console/audit")


def offered(page: str) -> list[str]:
    """Forms that are posted, other than those of the person's own session and language, and links to pages of forms."""
    forms = re.findall(
        r'<form (?:method="post"|[^>]*data-upload)[^>]*>', page.partition("<main")[2].partition("</main>")[0]
    )
    return forms + re.findall(r'href="([^"]*/(?:new|edit|delete|remove|revoke|undo|erase|opt_out)[^"]*)"', page)


def test_a_read_only_user_is_offered_no_form_that_would_be_refused(anna: Browser) -> None:
    anna.post("/console/clients/new", phone_number="79770000001", tag="vip", timezone="UTC", attributes="имя=Анна")
    anna.post("/console/stop-list", phone_number="79770000002", reason="")
    anna.post("/console/tokens", name="shop", role="read")
    launch(anna, **MAILING)
    anna.post(open_new_form(anna), message_text="hello", template_name="greeting", step="template")
    assert [path for path in READ_PAGES if not offered(anna.get(path).text)] == ["/console/audit"]
    anna.cookie = ""
    anna.sign_in("boris")
    pages = {path: anna.get(path) for path in (*READ_PAGES, "/console/mailings/1")}
    assert {path: (page.status, offered(page.text)) for path, page in pages.items()} == {
        path: (200, []) for path in pages
    }
    for fact in ("7977*******", "vip", "имя=Анна"):
        assert fact in pages["/console/clients/1"].text
    for path in FORM_PAGES:
        refused = anna.get(path)
        assert (refused.status, "read-only access" in refused.text) == (403, True), path


def test_the_audit_log_speaks_the_language_of_people_and_has_a_filter(anna: Browser) -> None:
    anna.post("/console/clients/new", phone_number="79770000001", tag="vip", timezone="UTC")
    launch(anna, **MAILING, purpose="marketing")
    anna.headers["Accept-Language"] = "ru"
    page = anna.get("/console/audit").text
    start = "1\u00a0янв.\u00a02040\u00a0г., 10:00 UTC"
    for text in ("рассылка 1: создание", "Начало:", start, "Реклама", "Запланирована"):
        assert text in page
    rows = page.partition("<tbody>")[2]
    assert not re.findall(r"<small>[A-Za-z_ ]+:", rows), "a field is shown by its name in the API"
    assert not re.findall(r"</small>\s*</div>", rows), "a blank field of a new object"
    days = (("from=2020-01-01", 3), ("to=2020-01-01", 0), ("from=2040-01-01&to=2039-01-01", 0), ("from=x", 3))
    for query, count in (("who=anna", 3), ("what=client", 1), ("what=mailing&id=1", 1), ("id=99", 0), *days):
        found = anna.get(f"/console/audit?limit=20&{query}").text
        assert found.partition("<tbody>")[2].count("<tr>") == count, query
    assert "who=anna" in html.unescape(anna.get("/console/audit?limit=1&who=anna").text.partition('rel="next"')[0])


def test_each_page_says_once_in_which_zone_its_times_are(anna: Browser) -> None:
    """In UTC until times.js writes the zone of the browser there. The calendar has zones of its own."""
    launch(anna, **MAILING)
    for path in ("/console", "/console/mailings", "/console/mailings/1", "/console/audit", "/console/clients"):
        page = anna.get(path).text
        assert page.count("Times are in this zone: <span data-zone-name>UTC</span>") == 1, path
    assert "Times are in this zone" not in anna.get("/console/calendar").text
    assert "Days are days in the zone UTC." in anna.get("/console/audit").text
