"""The load time of every page of the console on the local stack: its size, and when the browser first paints something.

python -m bench.pages        exits with 1 if a page takes over a second or has over 100 KB; needs Chromium

The browser measures. A page is loaded once before, so that its Lambda is warm, and its scripts are in the cache.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By

from infra.local.local_settings import any_settings
from infra.local.seed import LOCAL_PASSWORD, LOCAL_TOKEN, LOCAL_USER
from infra.local.stack import DevStack
from tools.browser import HOW_TO_HAVE_IT, find_browser, open_browser
from tools.console_pages import PAGES, fill_console, sign_in

CLIENTS, MAILINGS, TRIES = 200, 25, 5
FIRST_PHONE = 79_770_100_000
MOST_MILLISECONDS, MOST_BYTES = 1000, 100_000
MEASURE = """
const done = arguments[arguments.length - 1];
const size = performance.getEntriesByType("navigation")[0].decodedBodySize;
const first = () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
new PerformanceObserver((list) => done([size, first(), list.getEntries().at(-1).startTime]))
  .observe({type: "largest-contentful-paint", buffered: true});
"""


@dataclass(frozen=True)
class Load:
    """Bytes, and milliseconds from the request to the first paint and to that of the largest part."""

    size: int
    first: float
    largest: float


def main() -> int:
    if find_browser() is None:
        print(f"pages are not measured: {HOW_TO_HAVE_IT}")
        return 0
    logs = Path(tempfile.mkdtemp(prefix="notifications-bench-"))
    with DevStack(any_settings(), logs, print_line=lambda _: None) as stack:
        _fill(stack.url)
        ids = fill_console(stack.url, sign_in(stack.url), FIRST_PHONE)
        driver = open_browser()
        try:
            _sign_in(driver, stack.url)
            return _measure(driver, stack.url, ids)
        finally:
            driver.quit()


def _measure(driver: WebDriver, url: str, ids: dict[str, str]) -> int:
    missed = []
    print("| page | KB | first paint, ms: median | slowest | largest paint, ms: slowest |\n|---|---|---|---|---|")
    for path in (path for paths in PAGES.values() for path in paths):
        loads = [_load(driver, url + path.format_map(ids)) for _ in range(TRIES + 1)][1:]
        firsts, largest = [load.first for load in loads], max(load.largest for load in loads)
        size = max(load.size for load in loads)
        figures = f"{size / 1000:.1f} | {statistics.median(firsts):.0f} | {max(firsts):.0f} | {largest:.0f}"
        print(f"| `{path}` | {figures} |", flush=True)
        if largest > MOST_MILLISECONDS or size > MOST_BYTES:
            missed.append(path)
    print(f"at most {MOST_BYTES // 1000} KB and {MOST_MILLISECONDS} ms are allowed")
    print("\n".join(f"missed: {path}" for path in missed) or "all limits are kept")
    return 1 if missed else 0


def _load(driver: WebDriver, address: str) -> Load:
    driver.get(address)
    found: Any = driver.execute_async_script(MEASURE)
    return Load(*found)


def _sign_in(driver: WebDriver, url: str) -> None:
    driver.get(f"{url}/console")
    driver.find_element(By.NAME, "name").send_keys(LOCAL_USER)
    driver.find_element(By.NAME, "password").send_keys(f"{LOCAL_PASSWORD}\n")
    driver.implicitly_wait(10)
    driver.find_element(By.TAG_NAME, "nav")


def _fill(url: str) -> None:
    """Lists have more than the one row of `fill_console`."""
    session = requests.Session()
    session.headers["Authorization"] = f"Token {LOCAL_TOKEN}"
    for number in range(CLIENTS):
        client = {"phone_number": f"7977{number:07d}", "tag": f"tag {number % 40}"}
        session.post(f"{url}/Clients/", data=client, timeout=30).raise_for_status()
    for number in range(MAILINGS):
        times = {"datetime_start": "2020-01-01", "datetime_end": "2021-01-01"}
        data = {**times, "message_text": f"Здравствуйте! Рассылка {number}", "filter_tag": f"tag {number}"}
        session.post(f"{url}/Mailing/", data=data, timeout=30).raise_for_status()


if __name__ == "__main__":
    sys.exit(main())
