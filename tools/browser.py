"""A headless browser, for the tests of the console and for the pictures in docs/images."""

from __future__ import annotations

import shutil

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVER = "chromedriver"
HOW_TO_HAVE_IT = "Chromium or its driver is not installed: apt-get install chromium chromium-driver"


def find_browser() -> tuple[str, str] | None:
    """The paths of Chromium and its driver; None if one of them is missing."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which(DRIVER)
    return (browser, driver) if browser and driver else None


def open_browser(
    language: str = "en", width: int = 1200, height: int = 900, zone: str = "UTC", arguments: tuple[str, ...] = ()
) -> webdriver.Chrome:
    """`arguments`: further ones of Chromium's command line."""
    found = find_browser()
    if found is None:
        raise FileNotFoundError(HOW_TO_HAVE_IT)
    options = webdriver.ChromeOptions()
    options.binary_location = found[0]
    options.add_experimental_option("prefs", {"intl.accept_languages": language})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    sandbox = (
        "--no-sandbox",
        "--disable-dev-shm-usage",
    )  # CI runs as root, where Chromium needs it
    for argument in ("--headless=new", "--disable-gpu", f"--window-size={width},{height}", *sandbox, *arguments):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(found[1]))
    driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": zone})
    return driver
