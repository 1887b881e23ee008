"""Every page of the console in a real browser: on a phone, to axe, by keyboard, and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from infra.local.stack import DevStack
from tools.console_pages import addresses, fill_console, sign_in

from .test_console import PATIENCE, Operator, accessibility_faults, driver, operator, signed_in

__all__ = ["driver", "operator", "signed_in"]

FIRST_PHONE = 79_887_000_000
MOST_BYTES = 100_000
CHECKS = (Path(__file__).parent / "page_checks.js").read_text()
IS_WHOLE = """
return document.querySelector("[data-preview]") === null || (document.getElementById("preview").children.length > 0
  && performance.getEntriesByType("resource").some(({name}) => name.endsWith("/console/preview")));
"""


NEEDS_SCRIPT = ("#shortcuts-switch", "[data-upload]")
"""The switch is hidden without a script. An upload says that it needs one."""

STRANDED = f"""
const works = (form) => form.method === "get" || form.querySelector("[name=csrf]") || form.action.endsWith("/language")
  || form.action.endsWith("/sign-in");
return [...document.querySelectorAll("button")].filter((button) => !button.closest("{", ".join(NEEDS_SCRIPT)}"))
  .filter(({{form}}) => !form || !works(form)).map((button) => button.outerHTML.slice(0, 150));
"""


@pytest.fixture(scope="module")
def browser(stack: DevStack) -> requests.Session:
    """Signed in, without a script."""
    return sign_in(stack.url)


@pytest.fixture(scope="module")
def pages(stack: DevStack, browser: requests.Session) -> list[str]:
    return addresses(fill_console(stack.url, browser, FIRST_PHONE))


@contextmanager
def on_a_phone(operator: Operator) -> Iterator[None]:
    narrow = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    operator.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    yield
    operator.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def in_colours(operator: Operator, scheme: str) -> None:
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    operator.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})


def visit(operator: Operator, path: str) -> None:
    """A preview is filled in by a script."""
    operator.open(path)
    WebDriverWait(operator.driver, PATIENCE, 0.05).until(lambda driver: driver.execute_script(IS_WHOLE))
    operator.driver.execute_script(CHECKS)
    if path.endswith("/no/such/page"):
        operator.driver.get_log("browser")  # Chromium logs the status 404


@pytest.mark.parametrize("language", ["en", "ru"])
def test_no_page_scrolls_sideways_on_a_phone_and_its_targets_are_large_or_far_apart(
    operator: Operator, pages: list[str], language: str
) -> None:
    """WCAG 2.2, 1.4.10 and 2.5.8: 24 px, or as much room around it."""
    operator.driver.add_cookie({"name": "language", "value": language, "path": "/console"})
    found: dict[str, Any] = {}
    with on_a_phone(operator):
        for path in pages:
            visit(operator, path)
            wider = operator.driver.execute_script("return document.scrollingElement.scrollWidth - innerWidth")
            small = operator.driver.execute_script("return pageChecks.smallTargets()")
            if wider > 0 or small:
                found[path] = (wider, small)
    operator.driver.delete_cookie("language")
    assert found == {}


def test_axe_finds_no_faults_on_any_page_in_either_colour_scheme(operator: Operator, pages: list[str]) -> None:
    """WCAG 2.2 A and AA: contrast, names of fields and buttons, order of headings, and text for screen readers."""
    found: dict[str, Any] = {}
    for path in pages:
        visit(operator, path)
        faults = accessibility_faults(operator)
        in_colours(operator, "dark")
        faults += accessibility_faults(operator, "color-contrast")
        in_colours(operator, "light")
        if faults:
            found[path] = faults
    assert found == {}


def test_every_control_of_every_page_is_reached_by_tab_in_order_and_shows_the_focus(
    operator: Operator, pages: list[str]
) -> None:
    found: dict[str, Any] = {}
    for path in pages:
        visit(operator, path)
        steps = operator.driver.execute_script("return pageChecks.followFocus()")
        ActionChains(operator.driver).send_keys(Keys.TAB * steps).perform()
        if missed := operator.driver.execute_script("return pageChecks.faultsOfFocus()"):
            found[path] = missed
    assert found == {}


def test_every_button_of_every_page_sends_a_form_without_a_script(operator: Operator, pages: list[str]) -> None:
    operator.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    found = {}
    for path in pages:
        operator.open(path)
        if stranded := operator.driver.execute_script(STRANDED):
            found[path] = stranded
    operator.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    operator.driver.get_log("browser")  # Chromium logs the status 404
    assert found == {}


def test_every_page_is_smaller_than_100_kb(stack: DevStack, browser: requests.Session, pages: list[str]) -> None:
    sizes = {path: len(browser.get(stack.url + path, timeout=30).content) for path in pages}
    assert {path: size for path, size in sizes.items() if size > MOST_BYTES} == {}
