"""The console in a real browser on the real stack."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from infra.local.lambdas import invoke
from infra.local.seed import LOCAL_PASSWORD, LOCAL_TOKEN, LOCAL_USER
from infra.local.simulator import Simulator
from infra.local.stack import DevStack
from tools.browser import HOW_TO_HAVE_IT, find_browser, open_browser

from .conftest import Call

PATIENCE = 60
PAGES = ("/console", "/console/mailings/new", "/console/clients", "/console/tokens", "/console/audit")
PAGES += ("/console/imports", "/console/mailbox")
FORMAT = "%Y-%m-%dT%H:%M:%S"
ASK_AXE = """
const done = arguments[arguments.length - 1];
axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}).then(done);
"""


class Operator:
    """A signed-in user at the keyboard."""

    def __init__(self, driver: WebDriver, url: str) -> None:
        self.driver = driver
        self.url = url

    def open(self, path: str) -> None:
        self.driver.get(self.url + path)

    def type(self, name: str, text: str) -> None:
        found = self.driver.find_element(By.NAME, name)
        found.clear()
        found.send_keys(text)

    def pick(self, name: str, moment: datetime) -> None:
        """Enters a date as the browser's own picker sets it, in the browser's time zone."""
        script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))"
        self.driver.execute_script(script, self.driver.find_element(By.NAME, name), moment.strftime(FORMAT))

    def press(self, text: str) -> None:
        """Presses a button or a link with this text."""
        self.driver.find_element(By.XPATH, f"//main//*[self::button or self::a][normalize-space()='{text}']").click()

    def see(self, text: str) -> None:
        """Waits until the text is on the page."""
        WebDriverWait(self.driver, PATIENCE, 0.1).until(lambda _: text in self.text)

    @property
    def text(self) -> str:
        found: Any = self.driver.execute_script("return document.body ? document.body.innerText : ''")
        return str(found)


@pytest.fixture(scope="module")
def driver() -> Iterator[WebDriver]:
    if find_browser() is None:
        pytest.skip(HOW_TO_HAVE_IT)
    driver = open_browser()
    yield driver
    driver.quit()


@pytest.fixture
def operator(driver: WebDriver, stack: DevStack) -> Iterator[Operator]:
    operator = Operator(driver, stack.url)
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    operator.open("/")
    operator.type("name", LOCAL_USER)
    operator.type("password", f"{LOCAL_PASSWORD}\n")
    operator.see("New mailing")
    driver.get_log("browser")
    yield operator
    assert driver.get_log("browser") == [], "no error of a script, nothing blocked by the policy"


def announce(operator: Operator, text: str, tag: str) -> None:
    operator.open("/console/mailings/new")
    operator.type("message_text", text)
    now = datetime.now(UTC)
    operator.pick("datetime_start", now - timedelta(minutes=1))
    operator.pick("datetime_end", now + timedelta(hours=1))
    operator.type("filter_tag_typed", tag)
    operator.see("Recipients as of now: 5.")
    operator.press("Schedule")
    operator.see("Saved.")


def add_clients(call: Call, tag: str, first: int) -> None:
    for number in range(first, first + 5):
        call("POST", "/Clients/", data={"phone_number": f"7988{number:07d}", "tag": tag}).raise_for_status()


def test_a_mailing_is_announced_and_watched_until_it_is_finished(
    operator: Operator, call: Call, simulator: Simulator
) -> None:
    add_clients(call, "watched", 100)
    announce(operator, "Привет из консоли", "watched")
    operator.see("5 / 5")
    operator.see("Finished")
    assert operator.driver.find_element(By.ID, "count-sent").text == "5"
    assert {message["text"] for message in simulator.seen.messages.values()} == {"Привет из консоли"}


def test_a_file_of_clients_is_uploaded_and_its_refused_rows_are_downloaded(
    operator: Operator, call: Call, tmp_path: Path
) -> None:
    rows = ["phone_number;tag", "79880000600;из файла", "8-988-000-06-01;из файла", "79880000602;из файла"]
    file = tmp_path / "клиенты.csv"
    file.write_bytes("\r\n".join(rows).encode("cp1251"))
    operator.open("/console/imports")
    operator.driver.find_element(By.ID, "file").send_keys(str(file))
    operator.press("Upload")
    for text in ("клиенты.csv", "Completed", "Refused rows", "8-988-000-06-01", "Enter a phone number as"):
        operator.see(text)
    found = call("GET", "/Clients/", params={"tag": "из файла"}).json()["results"]
    assert [client["phone_number"] for client in found] == ["79880000600", "79880000602"]


def test_the_daily_report_is_in_the_mailbox(operator: Operator) -> None:
    announced = operator.driver.current_url
    invoke("SendReport", {"date": datetime.now(UTC).date().isoformat()})
    operator.open("/console/mailbox")
    operator.see("operator@example.com")
    operator.press("View HTML version")
    WebDriverWait(operator.driver, PATIENCE).until(lambda driver: driver.current_url != announced)
    assert operator.driver.find_elements(By.TAG_NAME, "table")


def test_a_mailing_is_paused_and_resumed(operator: Operator, call: Call, simulator: Simulator) -> None:
    add_clients(call, "paused", 200)
    simulator.behave(outage=True)
    announce(operator, "пауза", "paused")
    operator.see("Running")
    operator.see("Pause")
    operator.press("Pause")
    operator.see("Mailing paused. Nothing is sent until it is resumed.")
    simulator.behave()
    time.sleep(3)
    assert simulator.seen.summary()["distinct"] == 0
    operator.press("Resume")
    operator.see("5 / 5")
    operator.see("Finished")


def test_a_test_message_is_sent_to_one_number_first(operator: Operator, simulator: Simulator) -> None:
    operator.open("/console/mailings/new")
    operator.type("message_text", "проба")
    operator.type("test_phone", "79880000700")
    operator.press("Send test message")
    operator.see("The test message was sent.")
    assert [message["text"] for message in simulator.seen.messages.values()] == ["проба"]


def test_times_are_picked_in_the_operators_time_zone(operator: Operator, call: Call) -> None:
    operator.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
    operator.open("/console/mailings/new")
    operator.type("message_text", "zone")
    operator.pick("datetime_start", datetime(2040, 6, 1, 9, 30))
    operator.pick("datetime_end", datetime(2040, 6, 1, 18, 0))
    operator.see("2040-06-01 04:00:00 UTC")
    operator.press("Schedule")
    operator.see("Saved.")
    operator.see("Jun 1, 2040, 9:30")
    mailing = call("GET", "/Mailing/", params={"limit": 1}).json()["results"][0]
    assert (mailing["datetime_start"], mailing["datetime_end"]) == ("2040-06-01T04:00:00Z", "2040-06-01T12:30:00Z")
    operator.press("Edit")
    shown = operator.driver.find_element(By.NAME, "datetime_start").get_attribute("value")
    assert shown is not None
    assert shown.startswith("2040-06-01T09:30")
    operator.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "UTC"})
    call("DELETE", f"/Mailing/{mailing['id']}/").raise_for_status()


def test_a_deletion_needs_a_confirmation(operator: Operator, call: Call) -> None:
    client = call("POST", "/Clients/", data={"phone_number": "79880000300"}).json()
    operator.open(f"/console/clients/{client['id']}")
    operator.press("Delete")
    operator.see("Delete this client?")
    operator.press("Back")
    assert call("GET", f"/Clients/{client['id']}/").status_code == 200
    operator.press("Delete")
    operator.press("Delete")
    operator.see("Deleted.")
    assert call("GET", f"/Clients/{client['id']}/").status_code == 404


def test_the_api_description_is_shown_and_can_be_tried(operator: Operator) -> None:
    operator.open("/docs/")
    operator.see("Register a client")
    operator.driver.find_element(By.CSS_SELECTOR, "button.authorize").click()
    operator.driver.find_element(By.CSS_SELECTOR, ".modal-ux input").send_keys(f"Token {LOCAL_TOKEN}\n")
    operator.driver.find_element(By.CSS_SELECTOR, ".modal-ux .btn-done").click()
    operator.driver.find_element(By.ID, "operations-Mailing-get_mailing").click()
    operator.see("Execute")
    operator.driver.find_element(By.CSS_SELECTOR, ".btn.execute").click()
    operator.see("Response headers")
    code = operator.driver.find_element(By.CSS_SELECTOR, ".live-responses-table tbody .response-col_status").text
    assert code.startswith("200")


def test_pages_fit_a_narrow_screen(operator: Operator) -> None:
    narrow = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    operator.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    for path in PAGES:
        operator.open(path)
        width = operator.driver.execute_script("return document.documentElement.scrollWidth")
        assert width <= 360, path
    operator.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_axe_finds_no_accessibility_faults(operator: Operator, call: Call) -> None:
    """WCAG 2.1 A and AA: contrast, names of fields and buttons, order of headings, and text for screen readers."""
    add_clients(call, "axe", 400)
    announce(operator, "axe", "axe")
    mailing = operator.driver.current_url.removeprefix(operator.url).partition("?")[0]
    spec = find_spec("axe_core_python")
    assert spec is not None
    assert spec.origin is not None
    axe = (Path(spec.origin).parent / "axe.min.js").read_text()
    for path in (*PAGES, "/console/clients/new", mailing, f"{mailing}/delete"):
        operator.open(path)
        operator.driver.execute_script(axe)
        found: Any = operator.driver.execute_async_script(ASK_AXE)
        faults = [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found["violations"]]
        assert faults == [], path
