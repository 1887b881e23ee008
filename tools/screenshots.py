"""`python -m tools.screenshots`: take pictures of all pages of the console into docs/images, in both languages.

Those of DARK are taken in the dark scheme as well.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from infra.local.lambdas import invoke
from infra.local.local_settings import any_settings
from infra.local.seed import LOCAL_PASSWORD, LOCAL_TOKEN, LOCAL_USER
from infra.local.stack import DevStack

from .browser import open_browser

IMAGES = Path(__file__).parents[1] / "docs" / "images"
LANGUAGES = ("en", "ru")
PAGES = {
    "sign-in": "/console/sign-in",
    "overview": "/console",
    "mailings": "/console/mailings",
    "calendar": "/console/calendar",
    "mailing": "/console/mailings/2",
    "mailing-form": "/console/mailings/3/edit",
    "drafts": "/console/drafts",
    "draft-check": "/console/drafts/1/check",
    "mailing-question": "/console/mailings/2/cancel",
    "clients": "/console/clients",
    "client": "/console/clients/1",
    "imports": "/console/imports",
    "import": "/console/imports/1",
    "segments": "/console/segments",
    "segment": "/console/segments/1/edit",
    "series-list": "/console/series",
    "series": "/console/series/1",
    "stop-list": "/console/stop-list",
    "tokens": "/console/tokens",
    "users": "/console/users",
    "sessions": "/console/sessions",
    "audit": "/console/audit",
    "mailbox": "/console/mailbox",
}
DARK = ("overview", "mailing")
TAGS = ("друзья", "постоянные", "vip")
RENDER_SECONDS = 1.5
CLIENTS = 480
UNDER_WAY_SECONDS = 12  # of the four minutes that the mailing takes at two messages a second


def main() -> int:
    with DevStack(any_settings(), Path(tempfile.mkdtemp(prefix="notifications-screenshots-"))) as stack:
        _fill(stack)
        _copy(stack, 2)
        for language in LANGUAGES:
            _take(stack, language)
    return 0


def _fill(stack: DevStack) -> None:
    """Create clients, a finished mailing, one that runs while the pictures are taken, a scheduled one, and the rest."""
    assert stack.simulator is not None
    for number in range(CLIENTS):
        _call(stack, "/Clients/", phone_number=f"7{(903, 921, 977)[number % 3]}{number:07d}", tag=TAGS[number % 3])
    consent = {"consent_at": "2026-03-01T10:00:00Z", "consent_source": "анкета в магазине"}
    _call(
        stack, "/Clients/", phone_number="79031234567", tag="vip", **consent, attributes=json.dumps({"город": "Омск"})
    )
    content = (
        "phone_number;tag;timezone\n79160000001;vip;Europe/Moscow\n8-916-000-00-02;vip;UTC\n79160000003;vip;Mars/Base\n"
    )
    _call(stack, "/Clients/import/?file_name=clients.csv", content.encode())
    stack.simulator.behave(refuse=(79030000003, 79030000009))
    _announce(stack, "Ждём вас в субботу: скидка 20 % по слову «осень».", timedelta(minutes=-1), filter_tag="друзья")
    time.sleep(12)
    stack.simulator.behave()
    _announce(stack, "Ваш заказ готов. Возьмите с собой паспорт.", timedelta(minutes=-1), rate_limit="2")
    _announce(stack, "С наступающим! Подарок ждёт вас до 31 декабря.", timedelta(days=3), filter_tag="vip,друзья")
    regulars = {"any": [{"field": "tag", "in": ["vip", "постоянные"]}, {"field": "attributes.город", "is": "Омск"}]}
    _call(stack, "/Segments/", name="Постоянные клиенты", filter=json.dumps({"all": [regulars, {"not_received": 1}]}))
    _announce_series(stack)
    for number in (11, 12):
        _call(stack, "/StopList/", phone_number=f"7916000{number:04d}", reason="просьба по телефону")
    time.sleep(UNDER_WAY_SECONDS)
    next_report = (datetime.now(UTC) + timedelta(hours=15)).date()  # the report of the local stage is sent at 09:00 UTC
    invoke("SendReport", {"date": next_report.isoformat()})


def _announce(stack: DevStack, text: str, starts_in: timedelta, **chosen: str) -> None:
    start = datetime.now(UTC) + starts_in
    times = {"datetime_start": start.isoformat(), "datetime_end": (start + timedelta(hours=9)).isoformat()}
    _call(stack, "/Mailing/", message_text=text, **times, **chosen)


def _copy(stack: DevStack, mailing_id: int) -> None:
    """The copy is the first draft."""
    driver = open_browser()
    try:
        driver.get(f"{stack.url}/console/mailings/{mailing_id}")
        _sign_in_if_asked(driver, f"{stack.url}/console/mailings/{mailing_id}")
        driver.find_element(By.CSS_SELECTOR, f"form[action$='/mailings/{mailing_id}/copy'] button").click()
        WebDriverWait(driver, 30).until(lambda _: "/console/drafts/" in driver.current_url, "no draft of the copy")
    finally:
        driver.quit()


def _announce_series(stack: DevStack) -> None:
    start = datetime.now(UTC).replace(hour=7, minute=0) + timedelta(days=1)
    times = {"datetime_start": start.isoformat(), "datetime_end": (start + timedelta(hours=9)).isoformat()}
    rule = {"repeat": "weekdays", "timezone": "Europe/Moscow", "repeat_times": "20"}
    _call(stack, "/Series/", message_text="Доброе утро! Меню дня на сайте.", filter_tag="vip", **times, **rule)


def _call(stack: DevStack, path: str, content: bytes | None = None, **fields: Any) -> None:
    headers = {"Authorization": f"Token {LOCAL_TOKEN}"}
    headers |= {"Content-Type": "text/csv"} if content else {}
    requests.post(stack.url + path, data=content or fields, headers=headers, timeout=30).raise_for_status()


def _take(stack: DevStack, language: str) -> None:
    driver = open_browser(language, height=850, zone="Europe/Moscow")
    try:
        for name, path in PAGES.items():
            driver.get(stack.url + path)
            if name != "sign-in":
                _sign_in_if_asked(driver, stack.url + path)
            _save(driver, language, name)
            if name in DARK:
                _save(driver, language, f"{name}-dark", scheme="dark")
    finally:
        driver.quit()


def _save(driver: WebDriver, language: str, name: str, scheme: str = "light") -> None:
    colours = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", colours)  # type: ignore[attr-defined]
    time.sleep(RENDER_SECONDS)
    picture = IMAGES / language / f"{name}.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    driver.save_screenshot(str(picture))
    print(picture)


def _sign_in_if_asked(driver: WebDriver, url: str) -> None:
    if not driver.find_elements(By.NAME, "password"):
        return
    driver.find_element(By.NAME, "name").send_keys(LOCAL_USER)
    driver.find_element(By.NAME, "password").send_keys(f"{LOCAL_PASSWORD}\n")
    time.sleep(RENDER_SECONDS)
    driver.get(url)


if __name__ == "__main__":
    sys.exit(main())
