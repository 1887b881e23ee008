"""The console in a real browser on the real stack."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from infra.local.lambdas import invoke
from infra.local.seed import LOCAL_PASSWORD, LOCAL_TOKEN, LOCAL_USER
from infra.local.simulator import Simulator
from infra.local.stack import DevStack
from tools.browser import HOW_TO_HAVE_IT, find_browser, open_browser

from .conftest import Call

PATIENCE = 60
FORMAT = "%Y-%m-%dT%H:%M"
ASK_AXE = """
const done = arguments[arguments.length - 1];
axe.run({runOnly: arguments[0], rules: arguments[1]}).then(done);
"""
STANDARD = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
"""The tags of axe 4.4 for WCAG 2.1 AA. What 2.2 adds is in test_console_pages.py."""
BEYOND = {"empty-table-header": {"enabled": True}}
"""Rules of axe that the standard does not ask for."""


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

    def see_no_more(self, text: str) -> None:
        """Waits until the text is gone: the next page is there, if it has something of the last one too."""
        WebDriverWait(self.driver, PATIENCE, 0.1).until(lambda _: (seen := self.text) and text not in seen)

    @property
    def text(self) -> str:
        found: Any = self.driver.execute_script("return document.body ? document.body.innerText : ''")
        return str(found).replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture(scope="module")
def driver() -> Iterator[WebDriver]:
    if find_browser() is None:
        pytest.skip(HOW_TO_HAVE_IT)
    driver = open_browser()
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def signed_in(driver: WebDriver, stack: DevStack) -> Operator:
    """Signed in once: the service allows ten attempts in 15 minutes."""
    operator = Operator(driver, stack.url)
    operator.open("/")
    operator.type("name", LOCAL_USER)
    operator.type("password", f"{LOCAL_PASSWORD}\n")
    operator.see("New mailing")
    return operator


@pytest.fixture
def operator(signed_in: Operator) -> Iterator[Operator]:
    signed_in.open("/console")
    signed_in.see("New mailing")
    signed_in.driver.get_log("browser")
    yield signed_in
    assert signed_in.driver.get_log("browser") == [], (
        "a script failed, or the content security policy blocked something"
    )


def announce(operator: Operator, text: str, tag: str) -> None:
    operator.open("/console/mailings/new")
    operator.type("message_text", text)
    now = datetime.now(UTC)
    operator.pick("datetime_start", now - timedelta(minutes=1))
    operator.pick("datetime_end", now + timedelta(hours=1))
    operator.type("filter_tag_typed", tag)
    operator.see("Recipients as of now: 5.")
    operator.press("Check and launch")
    operator.see("Send now to 5 clients")
    operator.press("Send now to 5 clients")
    operator.see("The mailing starts in")
    operator.see("The mailing is launched.")


def announce_at_once(operator: Operator, call: Call, text: str, tag: str) -> str:
    """By the API, which has no time for an undo. Opens the page of the mailing, and returns its address."""
    now = datetime.now(UTC)
    times = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=1)).isoformat()}
    made = call("POST", "/Mailing/", data={**times, "message_text": text, "filter_tag": tag}).json()
    operator.open(f"/console/mailings/{made['id']}")
    return f"/console/mailings/{made['id']}"


def launch(operator: Operator) -> None:
    operator.press("Check and launch")
    operator.see("Check before the launch")
    operator.driver.find_element(By.CSS_SELECTOR, "#launch .primary").click()
    WebDriverWait(operator.driver, PATIENCE, 0.1).until(lambda driver: "done=launched" in driver.current_url)


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


def test_a_launch_is_undone_within_ten_seconds_and_the_draft_goes_on(
    operator: Operator, call: Call, simulator: Simulator
) -> None:
    add_clients(call, "undone", 1000)
    operator.open("/console/mailings/new")
    draft = operator.driver.current_url
    operator.type("message_text", "undone")
    operator.type("filter_tag_typed", "undone")
    operator.see("Recipients as of now: 5.")
    launch(operator)
    operator.see("The mailing starts in")
    assert accessibility_faults(operator) == []
    operator.press("Undo the launch")
    operator.see("The launch is undone, nothing was sent.")
    assert operator.driver.current_url.partition("?")[0] == draft
    assert typed(operator, "message_text") == "undone"
    assert mailings_with(call, "undone") == []


def test_the_messages_of_a_mailing_that_its_canary_pauses_appear_without_a_click(
    operator: Operator, call: Call, simulator: Simulator
) -> None:
    """The page is open before the start. Its list said that there are no messages until somebody loaded it again."""
    add_clients(call, "refused", 900)
    simulator.behave(refuse=tuple(79880000000 + number for number in range(900, 905)))
    start = datetime.now(UTC) + timedelta(seconds=8)
    times = {"datetime_start": start.isoformat(), "datetime_end": (start + timedelta(hours=1)).isoformat()}
    fields = {"message_text": "Канарейка", "filter_tag": "refused", "canary": 2, "max_error_rate": 0}
    mailing_id = call("POST", "/Mailing/", data={**times, **fields}).json()["id"]
    operator.open(f"/console/mailings/{mailing_id}")
    operator.see("Paused")
    WebDriverWait(operator.driver, PATIENCE, 0.1).until(
        lambda driver: len(driver.find_elements(By.CSS_SELECTOR, "#messages ~ table tbody tr")) == 5
    )
    operator.see("The gateway refused the message")
    simulator.behave()


def test_a_mailing_that_repeats_is_announced_paused_and_ended(operator: Operator, call: Call) -> None:
    """The fields of the rule appear with the choice. The starts are on the chosen days of the browser's zone."""
    operator.open("/console/mailings/new")
    operator.type("message_text", "Каждый понедельник")
    assert not operator.driver.find_element(By.ID, "repeat_times").is_displayed()
    operator.driver.find_element(By.CSS_SELECTOR, "#repeat_kind [value=weekly]").click()
    assert operator.driver.find_element(By.ID, "repeat_times").is_displayed()
    assert not operator.driver.find_element(By.ID, "month_days").is_displayed()
    operator.driver.find_element(By.CSS_SELECTOR, "[name=week_days][value=mon]").click()
    for day in ("tue", "wed", "thu", "fri"):
        operator.driver.find_element(By.CSS_SELECTOR, f"[name=week_days][value={day}]").click()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    operator.pick("datetime_start", tomorrow)
    operator.pick("datetime_end", tomorrow + timedelta(hours=3))
    operator.driver.find_element(By.CSS_SELECTOR, "[name=week_days][value=mon]").click()
    operator.type("repeat_times", "3")
    launch(operator)
    series_id = operator.driver.current_url.partition("/series/")[2].partition("?")[0]
    made = call("GET", f"/Series/{series_id}/").json()
    assert (made["repeat"], len(made["next_starts"])) == ("mon", 3)
    page = f"/console/series/{series_id}"
    narrow = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    operator.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    for path in (page, f"{page}/edit", f"{page}/end"):
        operator.open(path)
        assert operator.driver.execute_script("return document.documentElement.scrollWidth") <= 360, path
        assert accessibility_faults(operator) == [], path
    operator.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    operator.open(page)
    operator.press("Pause")
    operator.see("Series paused.")
    operator.press("End series")
    operator.press("End series")
    operator.see("Series ended.")


def test_a_file_of_clients_is_uploaded_and_its_refused_rows_are_downloaded(
    operator: Operator, call: Call, tmp_path: Path
) -> None:
    phones = ["79880000600", "8-988-000-06", "8 (988) 000-06-01", "79880000602"]
    rows = ["Телефон;Тег", *(f"{phone};из файла" for phone in phones)]
    file = tmp_path / "клиенты.csv"
    file.write_bytes("\r\n".join(rows).encode("cp1251"))
    operator.open("/console/imports")
    operator.driver.find_element(By.ID, "file").send_keys(str(file))
    operator.press("Upload")
    operator.see("What the columns mean")
    operator.press("Check without importing")
    for text in ("No client was changed.", "Import this file"):
        operator.see(text)
    operator.press("Import this file")
    for text in ("клиенты.csv", "Completed", "Refused rows", "8-988-000-06", "Enter a phone number as"):
        operator.see(text)
    found = call("GET", "/Clients/", params={"tag": "из файла"}).json()["results"]
    assert [client["phone_number"] for client in found] == ["79880000600", "79880000601", "79880000602"]
    operator.press("Undo import")
    operator.see("Opt-outs and withdrawn consents stay.")
    operator.press("Undo import")
    operator.see("Undone")
    assert call("GET", "/Clients/", params={"tag": "из файла"}).json()["results"] == []


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
    announce_at_once(operator, call, "пауза", "paused")
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
    operator.see("Recipients as of now")
    button = operator.driver.find_element(By.CSS_SELECTOR, "#test button")
    assert operator.driver.execute_script(
        "const box = arguments[0].getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight", button
    ), "the result is where the button is"
    assert [message["text"] for message in simulator.seen.messages.values()] == ["проба"]


def test_times_are_picked_in_the_operators_time_zone(operator: Operator, call: Call) -> None:
    operator.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
    operator.open("/console/mailings/new")
    operator.type("message_text", "zone")
    operator.pick("datetime_start", datetime(2040, 6, 1, 9, 30))
    operator.pick("datetime_end", datetime(2040, 6, 1, 18, 0))
    operator.see("Jun 1, 2040, 4:00")
    launch(operator)
    operator.see("Jun 1, 2040, 9:30")
    mailing = call("GET", "/Mailing/", params={"limit": 1}).json()["results"][0]
    assert (mailing["datetime_start"], mailing["datetime_end"]) == ("2040-06-01T04:00:00Z", "2040-06-01T12:30:00Z")
    operator.press("Edit")
    shown = operator.driver.find_element(By.NAME, "datetime_start").get_attribute("value")
    assert shown is not None
    assert shown.startswith("2040-06-01T09:30")
    operator.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "UTC"})
    call("DELETE", f"/Mailing/{mailing['id']}/").raise_for_status()


def fill_in(operator: Operator, text: str) -> None:
    operator.type("message_text", text)
    operator.pick("datetime_start", datetime(2040, 6, 1, 9, 30))
    operator.pick("datetime_end", datetime(2040, 6, 1, 18, 0))


def mailings_with(call: Call, text: str) -> list[dict[str, Any]]:
    listed = call("GET", "/Mailing/", params={"limit": 100}).json()["results"]
    return [mailing for mailing in listed if text in mailing["message_text"]]


def test_launch_back_and_launch_announce_one_mailing(operator: Operator, call: Call) -> None:
    operator.open("/console/mailings/new")
    fill_in(operator, "once, please")
    launch(operator)
    operator.driver.back()
    operator.see("This draft is launched already")
    assert accessibility_faults(operator) == []
    assert operator.driver.find_elements(By.NAME, "message_text") == []
    operator.press("Open a new form")
    operator.see("Recipients as of now")
    fill_in(operator, "another, please")
    launch(operator)
    assert [len(mailings_with(call, text)) for text in ("once, please", "another, please")] == [1, 1]


def test_what_is_typed_is_saved_by_itself_and_is_there_after_the_session_and_after_back(operator: Operator) -> None:
    operator.open("/console/mailings/new")
    draft = operator.driver.current_url
    fill_in(operator, "saved by itself")
    operator.see("Saved in draft")
    operator.driver.delete_all_cookies()
    operator.driver.get(draft)
    operator.type("name", LOCAL_USER)
    operator.type("password", f"{LOCAL_PASSWORD}\n")
    operator.see("Recipients as of now")
    operator.driver.get(draft)
    operator.see("Recipients as of now")
    assert typed(operator, "message_text") == "saved by itself"
    operator.press("Check and launch")
    operator.see("Check before the launch")
    assert accessibility_faults(operator) == []
    operator.driver.back()
    operator.see("Recipients as of now")
    assert operator.driver.current_url == draft
    assert typed(operator, "message_text") == "saved by itself"
    assert typed(operator, "datetime_start").startswith("2040-06-01T09:30")
    operator.driver.get_log("browser")


def test_one_draft_in_two_tabs_announces_one_mailing_and_keeps_the_other_text(operator: Operator, call: Call) -> None:
    operator.open("/console/mailings/new")
    form = operator.driver.current_url
    fill_in(operator, "first tab, same draft")
    operator.see("Saved in draft")
    with second_tab(operator):
        operator.driver.get(form)
        operator.see("Recipients as of now")
        operator.type("message_text", "second tab, same draft")
        operator.see("Saved in draft")
        with first_tab(operator):
            operator.press("Check and launch")
            operator.see("the data has changed since you opened the form")
            operator.see("second tab, same draft")
            operator.driver.get_log("browser")  # Chromium logs the status 409
            assert accessibility_faults(operator) == []
            assert typed(operator, "message_text") == "first tab, same draft"
            launch(operator)
        operator.type("message_text", "second tab, later")
        operator.press("Save draft")
        operator.see("this draft has already created mailing")
        operator.driver.get_log("browser")  # Chromium logs the status 422
        assert typed(operator, "message_text") == "second tab, later"
        assert accessibility_faults(operator) == []
        assert typed(operator, "datetime_start").startswith("2040-06-01T09:30")
        assert len(mailings_with(call, "same draft")) == 1
        launch(operator)
    assert len(mailings_with(call, "second tab, later")) == 1


def test_of_two_tabs_that_edit_one_mailing_the_second_is_told_what_has_changed(operator: Operator, call: Call) -> None:
    operator.open("/console/mailings/new")
    fill_in(operator, "before both")
    launch(operator)
    operator.press("Edit")
    form = operator.driver.current_url
    operator.type("message_text", "first edit")
    with second_tab(operator):
        operator.driver.get(form)
        operator.type("message_text", "second edit")
        with first_tab(operator):
            operator.press("Save")
            operator.see("Saved.")
        operator.press("Save")
        operator.see("the data has changed since you opened the form")
        operator.see("first edit")
        operator.driver.get_log("browser")  # Chromium logs the status 409
        assert typed(operator, "message_text") == "second edit"
        assert accessibility_faults(operator) == []
        assert mailings_with(call, "second edit") == []
        operator.press("Save")
        operator.see("Saved.")
    assert len(mailings_with(call, "second edit")) == 1


def test_the_form_of_a_mailing_is_read_anew_after_back(operator: Operator, call: Call) -> None:
    """Otherwise the browser would restore the old text beside the new version, and Save would overwrite silently."""
    operator.open("/console/mailings/new")
    fill_in(operator, "as announced")
    launch(operator)
    mailing_id = mailings_with(call, "as announced")[0]["id"]
    operator.press("Edit")
    operator.type("message_text", "typed and left")
    operator.open("/console/clients")
    call("PATCH", f"/Mailing/{mailing_id}/", data={"message_text": "by the API"}).raise_for_status()
    operator.driver.back()
    operator.see("Recipients as of now")
    assert typed(operator, "message_text") == "by the API"


def test_a_form_keeps_what_was_typed_and_its_times_after_back(operator: Operator) -> None:
    operator.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Kolkata"})
    operator.open("/console/mailings/new")
    fill_in(operator, "not yet sent")
    operator.open("/console/clients")
    operator.driver.back()
    operator.see("Jun 1, 2040, 4:00")
    assert typed(operator, "message_text") == "not yet sent"
    assert typed(operator, "datetime_start").startswith("2040-06-01T09:30")
    operator.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "UTC"})


HANG_THE_FIRST_SAVE = """
const send = window.fetch;
window.fetch = (address, options) => {
  if (!String(options?.body).includes("step=keep")) return send(address, options);
  window.fetch = send;
  return new Promise(() => {});
};
window.hangs = () => window.fetch === send;
"""


def test_what_is_typed_while_a_save_is_under_way_is_saved_when_the_page_is_left(operator: Operator) -> None:
    operator.open("/console/mailings/new")
    draft = operator.driver.current_url
    operator.driver.execute_script(HANG_THE_FIRST_SAVE)
    operator.type("message_text", "first")
    WebDriverWait(operator.driver, PATIENCE, 0.1).until(lambda driver: driver.execute_script("return hangs()"))
    operator.type("message_text", "first and last")
    operator.open("/console/clients")

    def is_saved(driver: WebDriver) -> bool:
        driver.get(draft)
        return typed(operator, "message_text") == "first and last"

    WebDriverWait(operator.driver, PATIENCE, 0.5).until(is_saved)


def test_a_page_that_is_shown_before_its_own_save_has_arrived_shows_it_later(operator: Operator) -> None:
    """Another tab saves here what a page that was left is still saving."""
    driver = operator.driver
    operator.open("/console/mailings/new")
    draft, tab = driver.current_url, driver.current_window_handle
    driver.switch_to.new_window("tab")
    driver.get(draft)
    driver.execute_script("sessionStorage.setItem('draft-left', Date.now())")
    driver.refresh()
    shown = driver.current_window_handle
    driver.switch_to.window(tab)
    operator.type("message_text", "saved late")
    driver.switch_to.window(shown)
    WebDriverWait(driver, PATIENCE, 0.5).until(lambda _: typed(operator, "message_text") == "saved late")
    driver.close()
    driver.switch_to.window(tab)


def typed(operator: Operator, name: str) -> str:
    return operator.driver.find_element(By.NAME, name).get_attribute("value") or ""


@contextmanager
def second_tab(operator: Operator) -> Iterator[None]:
    first = operator.driver.current_window_handle
    operator.driver.switch_to.new_window("tab")
    yield
    operator.driver.close()
    operator.driver.switch_to.window(first)


@contextmanager
def first_tab(operator: Operator) -> Iterator[None]:
    current = operator.driver.current_window_handle
    operator.driver.switch_to.window(operator.driver.window_handles[0])
    yield
    operator.driver.switch_to.window(current)


def test_an_operator_finds_clients_and_mailings_by_what_is_typed_and_sees_them_in_the_calendar(
    operator: Operator, call: Call
) -> None:
    add_clients(call, "found", 700)
    operator.open("/console/clients")
    operator.type("phone", "+7 (988) 000 07\n")
    operator.see("79880000700")
    operator.see("79880000704")
    operator.type("phone", "0703\n")
    operator.see_no_more("79880000704")
    assert "79880000703" in operator.text
    operator.open("/console/mailings")
    start = datetime.now(UTC) + timedelta(days=1)
    times = {"datetime_start": start.isoformat(), "datetime_end": (start + timedelta(hours=1)).isoformat()}
    mailing = call("POST", "/Mailing/", json={**times, "message_text": "Осенний привет"}).json()
    operator.type("text", "ОСЕННИЙ\n")
    operator.see("1–1 of 1 mailing")
    operator.see("Осенний привет")
    operator.open("/console/calendar")
    operator.press("Осенний привет")
    operator.see(f"Mailing {mailing['id']}")
    call("DELETE", f"/Mailing/{mailing['id']}/")


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
    operator.driver.find_element(By.CSS_SELECTOR, ".modal-ux input").send_keys(f"{LOCAL_TOKEN}\n")
    operator.driver.find_element(By.CSS_SELECTOR, ".modal-ux .btn-done").click()
    assert executed(operator, "operations-Mailings-get_mailing").startswith("200"), "with the token as it is printed"
    assert executed(operator, "operations-Mailings-post_mailing").startswith("201"), "with the example as it stands"


def executed(operator: Operator, name: str) -> str:
    """The status of an operation that is tried in Swagger UI."""
    operation, wait = operator.driver.find_element(By.ID, name), WebDriverWait(operator.driver, PATIENCE)
    operation.find_element(By.CSS_SELECTOR, ".opblock-summary-control").click()
    wait.until(lambda _: operation.find_elements(By.CSS_SELECTOR, ".btn.execute"))[0].click()
    status = ".live-responses-table tbody .response-col_status"
    return str(wait.until(lambda _: operation.find_elements(By.CSS_SELECTOR, status))[0].text)


HIDDEN_BY_THE_BAR = """
const field = document.activeElement, bar = document.querySelector(".bar");
if (!field.closest(".beside") || bar.contains(field)) return "";
const seen = field.getBoundingClientRect(), over = bar.getBoundingClientRect();
const isBeside = seen.right <= over.left || seen.bottom <= over.top || seen.top >= over.bottom;
return isBeside ? "" : field.name || field.textContent;
"""


def test_the_buttons_of_the_form_stay_in_view_and_hide_no_focused_field(operator: Operator) -> None:
    """WCAG 2.2, 2.4.11. On a wide screen they are beside the fields, on a narrow one in a bar below."""
    operator.open("/console/mailings/new")
    operator.type("message_text", "bar")
    operator.see("Saved in draft")
    for width, height in ((1200, 700), (360, 740)):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        operator.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        operator.driver.execute_script("scrollTo(0, 0); document.getElementById('message_text').focus()")
        button = operator.driver.find_element(By.CSS_SELECTOR, ".bar .primary")
        for _ in range(45):
            place = operator.driver.execute_script("return arguments[0].getBoundingClientRect().bottom", button)
            assert 0 < place <= height, width
            assert operator.driver.execute_script(HIDDEN_BY_THE_BAR) == "", width
            operator.driver.switch_to.active_element.send_keys(Keys.TAB)
    operator.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def accessibility_faults(operator: Operator, *rules: str) -> list[Any]:
    """What axe finds by these rules, or else by all rules of WCAG 2.1 A and AA and those of BEYOND."""
    if not operator.driver.execute_script("return 'axe' in window"):
        spec = find_spec("axe_core_python")
        assert spec is not None
        assert spec.origin is not None
        operator.driver.execute_script((Path(spec.origin).parent / "axe.min.js").read_text())
    wanted = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": STANDARD}
    found: Any = operator.driver.execute_async_script(ASK_AXE, wanted, {} if rules else BEYOND)
    return [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found["violations"]]
