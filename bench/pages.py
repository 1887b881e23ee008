"""The load time of the console's pages on the local stack: their size and their Largest Contentful Paint.

python -m bench.pages        exits with 1 if a page takes over a second or has over 100 KB; needs Chromium
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By

from infra.local.local_settings import any_settings
from infra.local.seed import LOCAL_PASSWORD, LOCAL_TOKEN, LOCAL_USER
from infra.local.stack import DevStack
from tools.browser import HOW_TO_HAVE_IT, find_browser, open_browser

CLIENTS, TRIES = 200, 5
MOST_MILLISECONDS, MOST_BYTES = 1000, 100_000
PAGES = (
    "/console",
    "/console/mailings",
    "/console/calendar",
    "/console/mailings/1",
    "/console/mailings/new",
    "/console/clients",
    "/console/clients/1",
)
PAGES += ("/console/imports", "/console/tokens", "/console/audit", "/console/mailbox")
MEASURE = """
const done = arguments[arguments.length - 1];
const size = performance.getEntriesByType("navigation")[0].decodedBodySize;
new PerformanceObserver((list) => done([size, list.getEntries().at(-1).startTime]))
  .observe({type: "largest-contentful-paint", buffered: true});
"""


def main() -> int:
    if find_browser() is None:
        print(f"pages are not measured: {HOW_TO_HAVE_IT}")
        return 0
    logs = Path(tempfile.mkdtemp(prefix="notifications-bench-"))
    with DevStack(any_settings(), logs, print_line=lambda _: None) as stack:
        _fill(stack.url)
        driver = open_browser()
        try:
            return _measure(driver, stack.url)
        finally:
            driver.quit()


def _measure(driver: WebDriver, url: str) -> int:
    driver.get(f"{url}/console")
    driver.find_element(By.NAME, "name").send_keys(LOCAL_USER)
    driver.find_element(By.NAME, "password").send_keys(f"{LOCAL_PASSWORD}\n")
    driver.implicitly_wait(10)
    driver.find_element(By.TAG_NAME, "nav")
    is_good = True
    for path in PAGES:
        size, paints = 0, []
        for _ in range(TRIES):
            driver.get(url + path)
            found: Any = driver.execute_async_script(MEASURE)
            size, paint = int(found[0]), float(found[1])
            paints.append(paint)
        is_good &= max(paints) <= MOST_MILLISECONDS and size <= MOST_BYTES
        print(f"{path:24} {size / 1000:6.1f} KB   largest paint after {min(paints):4.0f} to {max(paints):4.0f} ms")
    print(f"at most {MOST_BYTES // 1000} KB and {MOST_MILLISECONDS} ms are allowed")
    return int(not is_good)


def _fill(url: str) -> None:
    session = requests.Session()
    session.headers["Authorization"] = f"Token {LOCAL_TOKEN}"
    for number in range(CLIENTS):
        client = {"phone_number": f"7977{number:07d}", "tag": f"tag {number % 40}"}
        session.post(f"{url}/Clients/", data=client, timeout=30).raise_for_status()
    for number in range(25):
        times = {"datetime_start": "2020-01-01", "datetime_end": "2040-01-01" if number == 0 else "2021-01-01"}
        data = {**times, "message_text": f"Здравствуйте! Рассылка {number}", "filter_tag": f"tag {number}"}
        session.post(f"{url}/Mailing/", data=data, timeout=30).raise_for_status()
    while session.get(f"{url}/Stats/1/", timeout=30).json()["status"] != "finished":
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
