"""The pages of the console with something on each of them, for tests in a browser and the bench of load times.

tests/http/test_console_pages.py compares them with the routes of the console.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from infra.local.seed import LOCAL_PASSWORD, LOCAL_TOKEN, LOCAL_USER

QUESTIONS = ("delete", "erase", "opt_out", "opt_in", "withdraw")
PAGES: dict[str, tuple[str, ...]] = {
    "/console": ("/console",),
    "/console/{proxy+}": ("/console/no/such/page",),
    "/console/sign-in": ("/console/sign-in",),
    "/console/shortcuts": ("/console/shortcuts",),
    "/console/mailings": ("/console/mailings",),
    "/console/calendar": ("/console/calendar",),
    "/console/mailings/{mailing_id}": ("/console/mailings/{mailing}", "/console/mailings/{scheduled}"),
    "/console/mailings/{mailing_id}/edit": ("/console/mailings/{scheduled}/edit",),
    "/console/mailings/{mailing_id}/{step}": (
        "/console/mailings/{scheduled}/cancel",
        "/console/mailings/{mailing}/delete",
        "/console/mailings/{mailing}/resend",
    ),
    "/console/drafts": ("/console/drafts",),
    "/console/drafts/{draft_id}": ("/console/drafts/{draft}",),
    "/console/drafts/{draft_id}/{step}": ("/console/drafts/{draft}/check", "/console/drafts/{draft}/delete"),
    "/console/templates": ("/console/templates",),
    "/console/templates/{template_id}/{step}": ("/console/templates/{template}/delete",),
    "/console/series": ("/console/series",),
    "/console/series/{series_id}": ("/console/series/{series}",),
    "/console/series/{series_id}/edit": ("/console/series/{series}/edit",),
    "/console/series/{series_id}/{step}": ("/console/series/{series}/end",),
    "/console/clients": ("/console/clients",),
    "/console/clients/new": ("/console/clients/new",),
    "/console/clients/{client_id}": ("/console/clients/{client}",),
    "/console/clients/{client_id}/{step}": tuple(f"/console/clients/{{client}}/{step}" for step in QUESTIONS),
    "/console/stop-list": ("/console/stop-list",),
    "/console/stop-list/import": ("/console/stop-list/import",),
    "/console/stop-list/{phone_number}/remove": ("/console/stop-list/{stopped}/remove",),
    "/console/imports": ("/console/imports",),
    "/console/imports/uploads/{upload_id}": ("/console/imports/uploads/{upload}",),
    "/console/imports/{import_id}": ("/console/imports/{import}",),
    "/console/imports/{import_id}/undo": ("/console/imports/{import}/undo",),
    "/console/segments": ("/console/segments",),
    "/console/segments/new": ("/console/segments/new",),
    "/console/segments/{segment_id}/edit": ("/console/segments/{segment}/edit",),
    "/console/segments/{segment_id}/delete": ("/console/segments/{segment}/delete",),
    "/console/tokens": ("/console/tokens",),
    "/console/tokens/{digest}/revoke": ("/console/tokens/{token}/revoke",),
    "/console/users": ("/console/users",),
    "/console/users/{name}/sessions": ("/console/users/{user}/sessions",),
    "/console/users/{name}/{step}": tuple(f"/console/users/{{user}}/{step}" for step in ("role", "password", "remove")),
    "/console/sessions": ("/console/sessions",),
    "/console/audit": ("/console/audit",),
    "/console/mailbox": ("/console/mailbox",),
}
"""The addresses of each route that shows a page, with the ids that `fill_console` returns."""

NO_PAGES = {
    "/console/static/{name}",
    "/console/language",
    "/console/sign-out",
    "/console/preview",
    "/console/sign-in/openid",
    "/console/sign-in/callback",
    "/console/sessions/{session_id}",
    "/console/users/{name}/sessions/{session_id}",
    "/console/mailings/new",
    "/console/mailings/{mailing_id}/export",
    "/console/mailings/{mailing_id}/copy",
    "/console/mailings/{mailing_id}/approve",
    "/console/mailbox/{number}",
    "/console/clients/export",
    "/console/clients/{client_id}/consent-report",
    "/console/stop-list/export",
    "/console/imports/template",
    "/console/imports/{import_id}/start",
    "/console/imports/{import_id}/refused",
}
"""Routes that take a form, send a file or an email, or lead to another page."""

TEXT = "Здравствуйте! Ваш заказ готов. Возьмите с собой паспорт."
TAG, USER = "pages", "anna"
SECONDS = 60


def addresses(ids: Mapping[str, str]) -> list[str]:
    return [path.format_map(ids) for paths in PAGES.values() for path in paths]


def sign_in(url: str, name: str = LOCAL_USER, password: str = LOCAL_PASSWORD) -> requests.Session:
    browser = requests.Session()
    form = {"name": name, "password": password, "next": ""}
    browser.post(f"{url}/console/sign-in", data=form, timeout=30).raise_for_status()
    return browser


def fill_console(url: str, browser: requests.Session, first_phone: int) -> dict[str, str]:
    """Make what the pages show; `browser` is signed in. The numbers of clients follow `first_phone`."""
    client = _call(url, "/Clients/", phone_number=str(first_phone), tag=TAG, attributes=json.dumps({"город": "Омск"}))
    rows = f"phone_number;tag\n{first_phone + 1};{TAG}\n8-916-000\n"
    imported = _call(url, "/Clients/import/?file_name=clients.csv", rows.encode())
    stopped = str(first_phone + 2)
    _call(url, "/StopList/", phone_number=stopped, reason="просьба по телефону")
    condition = json.dumps({"field": "tag", "is": TAG})
    segment = _call(url, "/Segments/", name=f"Segment {first_phone}", filter=condition)
    mailing = _call(url, "/Mailing/", message_text=TEXT, filter_tag=TAG, **_times(timedelta(minutes=-1)))
    scheduled = _call(url, "/Mailing/", message_text=TEXT, filter_tag=TAG, **_times(timedelta(days=3)))
    rule = {"repeat": "weekdays", "timezone": "Europe/Moscow", "repeat_times": "20"}
    series = _call(url, "/Series/", message_text=TEXT, filter_tag=TAG, **_times(timedelta(days=1)), **rule)
    _await(url, f"/Stats/{mailing['id']}/", "finished")
    _await(url, f"/Clients/import/{imported['id']}/", "finished")
    found = {"mailing": mailing, "scheduled": scheduled, "client": client, "segment": segment, "series": series}
    ids = {name: str(one["id"]) for name, one in {**found, "import": imported}.items()}
    return {**ids, **_fill_by_forms(url, browser), "stopped": stopped, "user": USER}


def _fill_by_forms(url: str, browser: requests.Session) -> dict[str, str]:
    """What is made in the console alone: a draft, a template of a text, an uploaded file, a token, a user."""
    draft = browser.get(f"{url}/console/mailings/new", timeout=30)
    form = {name: _hidden(draft.text, name) for name in ("csrf", "version", "page")}
    form |= {"message_text": TEXT, "template_name": f"Template {time.time()}"}
    _post(browser, draft.url, **form, step="template")
    templates = browser.get(f"{url}/console/templates", timeout=30).text
    file = {"file": ("clients.csv", f"Телефон;ФИО\n79770000001;{USER}\n")}
    upload = browser.post(f"{url}/console/imports", data={"csrf": form["csrf"]}, files=file, timeout=30)
    _post(browser, f"{url}/console/users", csrf=form["csrf"], name=USER, role="read")
    tokens = browser.get(f"{url}/console/tokens", timeout=30).text
    return {
        "draft": draft.url.rpartition("/")[2],
        "template": _first(r"/console/templates/(\d+)/delete", templates),
        "upload": upload.url.rpartition("/")[2],
        "token": _first(r"/console/tokens/(\w+)/revoke", tokens),
    }


def _post(browser: requests.Session, address: str, **form: str) -> None:
    browser.post(address, data=form, timeout=30).raise_for_status()


def _hidden(page: str, name: str) -> str:
    return _first(rf'name="{name}" value="([^"]*)"', page)


def _first(pattern: str, page: str) -> str:
    found = re.search(pattern, page)
    assert found, pattern
    return found[1]


def _times(starts_in: timedelta) -> dict[str, str]:
    start = datetime.now(UTC) + starts_in
    return {"datetime_start": start.isoformat(), "datetime_end": (start + timedelta(hours=9)).isoformat()}


def _call(url: str, path: str, content: bytes | None = None, **fields: str) -> Any:
    headers = {"Authorization": f"Token {LOCAL_TOKEN}"} | ({"Content-Type": "text/csv"} if content else {})
    answer = requests.post(url + path, data=content or fields, headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.json()


def _await(url: str, path: str, status: str) -> None:
    headers = {"Authorization": f"Token {LOCAL_TOKEN}"}
    deadline = time.monotonic() + SECONDS
    while requests.get(url + path, headers=headers, timeout=30).json()["status"] != status:
        if time.monotonic() > deadline:
            raise TimeoutError(path)
        time.sleep(0.3)
