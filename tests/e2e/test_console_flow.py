"""The whole way of a mailing in a real browser, from a file of clients to the resend of what failed.

It is driven in both languages and at both widths, so fields are found by their names and forms by their addresses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import requests
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from chalicelib.access.users import make_user
from chalicelib.adapters.services import Services
from chalicelib.domain.principal import APPROVER
from chalicelib.settings import LOCAL_STAGE, Settings
from infra.local.deployment import STACK_NAME
from infra.local.seed import LOCAL_PASSWORD, LOCAL_USER
from infra.local.simulator import Simulator
from infra.local.stack import DevStack

from .test_console import Operator, accessibility_faults, driver

__all__ = ["driver"]

PATIENCE = 120
"""Seconds. Where no schedule fires, as on LocalStack, the sweep starts a mailing within a minute."""

SECOND_PERSON = "secondperson"
CLIENTS, FREE = 5, 4
"""A mailing to more clients than FREE needs an approval."""

APPROVE = "form[action$='/approve'] .primary"
PHONES = count(79_886_000_000, 10)


@pytest.fixture(scope="module")
def held_stack(stack: DevStack) -> Iterator[DevStack]:
    """The stack, on which mailings of this size need an approval until the end of the module."""
    before = stack.settings
    try:
        stack.settings = replace(before, approval_above=FREE)
        stack.deploy()
        yield stack
    finally:
        stack.settings = before
        stack.deploy()


@pytest.fixture(scope="module")
def sessions(held_stack: DevStack) -> dict[str, str]:
    """The cookies of two persons, who sign in once."""
    services = Services(Settings(stage=LOCAL_STAGE, stack_name=STACK_NAME))
    passwords = {LOCAL_USER: LOCAL_PASSWORD, SECOND_PERSON: make_user(services, SECOND_PERSON, APPROVER)}
    found = {}
    for name, password in passwords.items():
        form = {"name": name, "password": password, "next": ""}
        answer = requests.post(f"{held_stack.url}/console/sign-in", data=form, timeout=30, allow_redirects=False)
        found[name] = answer.cookies["session"]
    return found


class Person(Operator):
    """Somebody at the keyboard, in one language and at one width."""

    def __init__(self, driver: WebDriver, url: str, cookies: dict[str, str]) -> None:
        super().__init__(driver, url)
        self.cookies = cookies

    def sit_down(self) -> None:
        """Takes the keyboard from another person."""
        self.open("/console/sign-in")
        self.driver.delete_all_cookies()
        for name, value in self.cookies.items():
            self.driver.add_cookie({"name": name, "value": value, "path": "/console"})

    def find(self, selector: str) -> WebElement:
        """Waits until it is there. No page scrolls sideways."""
        wait = WebDriverWait(self.driver, PATIENCE, 0.1)
        found: list[WebElement] = wait.until(lambda driver: driver.find_elements(By.CSS_SELECTOR, selector), selector)
        width = self.driver.execute_script("return document.scrollingElement.scrollWidth - innerWidth")
        assert width <= 0, self.driver.current_url
        return found[0]

    def click(self, selector: str) -> None:
        self.find(selector).click()

    def choose(self, name: str, value: str) -> None:
        Select(self.find(f"[name={name}]")).select_by_value(value)

    def reads(self, selector: str, text: str) -> None:
        """Waits until the element has the text, without loading the page again."""
        read = "return document.querySelector(arguments[0])?.textContent.trim()"
        WebDriverWait(self.driver, PATIENCE, 0.1).until(
            lambda driver: driver.execute_script(read, selector) == text, f"{selector}: {text}"
        )

    def leaves_for(self, beginning: str) -> str:
        """Waits until the browser is at a page whose address begins so; returns its path."""
        wait = WebDriverWait(self.driver, PATIENCE, 0.1)
        wait.until(lambda driver: driver.current_url.startswith(f"{self.url}{beginning}"), beginning)
        return str(self.driver.current_url).removeprefix(self.url).partition("?")[0].partition("#")[0]

    def tab_to(self, selector: str) -> WebElement:
        """Presses Tab until the element has the focus, which is visible."""
        wanted = self.find(selector)
        for _ in range(100):
            active = self.driver.switch_to.active_element
            if active == wanted:
                assert active.value_of_css_property("outline-style") != "none"
                return wanted
            active.send_keys(Keys.TAB)
        raise AssertionError(f"{selector} is not reached by Tab")


@pytest.fixture(params=[1200, 360])
def width(request: pytest.FixtureRequest, driver: WebDriver) -> Iterator[int]:
    width: int = request.param
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    yield width
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture(params=["en", "ru"])
def language(request: pytest.FixtureRequest) -> str:
    language: str = request.param
    return language


@pytest.fixture
def people(
    driver: WebDriver, held_stack: DevStack, sessions: dict[str, str], width: int, language: str
) -> Iterator[tuple[Person, Person]]:
    """The operator and the approver."""
    driver.get_log("browser")
    operator, approver = (
        Person(driver, held_stack.url, {"session": sessions[name], "language": language})
        for name in (LOCAL_USER, SECOND_PERSON)
    )
    operator.sit_down()
    yield operator, approver
    assert driver.get_log("browser") == [], "a script failed, or the content security policy blocked something"


def import_clients(person: Person, file: Path) -> None:
    person.open("/console/imports")
    person.find("#file").send_keys(str(file))
    person.click("[data-upload] .primary")
    person.click("#columns [name=dry_run][value=false]")
    person.leaves_for("/console/imports/")
    person.reads("#added", str(CLIENTS))


def make_segment(person: Person, name: str, tag: str) -> None:
    person.open("/console/segments/new")
    person.type("name", name)
    person.choose("where_0_field", "tag")
    person.type("where_0_value", tag)
    person.click("[name=step][value=count]")
    person.reads("p.note[role=status] b", str(CLIENTS))
    person.click("[name=step][value=save]")
    person.leaves_for("/console/segments?done=")


def draft_to_segment(person: Person, name: str, text: str) -> None:
    row = person.driver.find_element(By.XPATH, f"//tr[td//a[normalize-space()='{name}']]")
    row.find_element(By.CSS_SELECTOR, "a[href*='mailings/new?segment=']").click()
    person.leaves_for("/console/drafts/")
    person.type("message_text", text)
    person.reads("#preview .note b", str(CLIENTS))


def launch(person: Person) -> str:
    """Returns the path of the mailing."""
    person.click("[name=step][value=check]")
    person.reads("#recipients", str(CLIENTS))
    person.click("#launch .primary")
    return person.leaves_for("/console/mailings/")


def resend_the_refused(person: Person) -> None:
    person.click("#failures ~ table a[href*='/resend?reason=']")
    person.click("form[action$='/resend'] .primary")


def faults_in_both_schemes(person: Person) -> list[object]:
    found: list[object] = []
    for scheme in ("dark", "light"):
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        person.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        found += accessibility_faults(person, *(() if scheme == "light" else ("color-contrast",)))
    return found


def test_a_mailing_goes_from_a_file_of_clients_to_the_resend_of_what_failed(
    people: tuple[Person, Person], simulator: Simulator, tmp_path: Path
) -> None:
    operator, approver = people
    first = next(PHONES)
    phones, tag = [first + number for number in range(CLIENTS)], f"flow{first}"
    simulator.behave(refuse=(phones[-1],))
    file = tmp_path / "clients.csv"
    file.write_text("\n".join(["phone_number;tag", *(f"{phone};{tag}" for phone in phones)]))
    import_clients(operator, file)
    make_segment(operator, f"Segment {tag}", tag)
    draft_to_segment(operator, f"Segment {tag}", f"Text {tag}")
    mailing = launch(operator)
    operator.reads("#count-queued", str(CLIENTS))
    assert simulator.seen.requests == 0, "it waits for an approval"
    assert operator.driver.find_elements(By.CSS_SELECTOR, APPROVE) == [], "nobody approves what oneself has written"
    assert faults_in_both_schemes(operator) == []
    approver.sit_down()
    approver.open(mailing)
    button = approver.tab_to(APPROVE)
    assert faults_in_both_schemes(approver) == []
    button.send_keys(Keys.ENTER)
    approver.reads("#count-sent", str(CLIENTS - 1))
    operator.sit_down()
    operator.open(mailing)
    operator.reads("#count-failed", "1")
    assert faults_in_both_schemes(operator) == []
    simulator.behave()
    resend_the_refused(operator)
    operator.reads("#count-sent", str(CLIENTS))
    operator.reads("#count-failed", "0")
    assert sorted(simulator.seen.phones.values()) == phones
    assert simulator.seen.summary()["repeated"] == 0
