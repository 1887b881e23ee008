"""The forms of the console in a real browser: in the time zone of the person, and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from .conftest import Call
from .test_console import PATIENCE, Operator, driver, mailings_with, operator, signed_in, typed

__all__ = ["driver", "operator", "signed_in"]

NEW_CLIENT = "/console/clients/new"


@pytest.fixture
def in_kolkata(operator: Operator) -> Iterator[Operator]:
    """The zone of the browser is five and a half hours before UTC."""
    yield from in_zone(operator, "Asia/Kolkata")


@pytest.fixture
def in_berlin(operator: Operator) -> Iterator[Operator]:
    """The zone of the browser has the hour from two to three twice on the last Sunday of October."""
    yield from in_zone(operator, "Europe/Berlin")


def in_zone(operator: Operator, name: str) -> Iterator[Operator]:
    operator.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": name})
    yield operator
    operator.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "UTC"})


@pytest.fixture
def without_scripts(operator: Operator) -> Iterator[Operator]:
    operator.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    yield operator
    operator.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def find(operator: Operator, selector: str) -> WebElement:
    """Waits until it is there: the page after a form, or what a script puts there."""
    wait = WebDriverWait(operator.driver, PATIENCE, 0.1)
    found: list[WebElement] = wait.until(lambda driver: driver.find_elements(By.CSS_SELECTOR, selector), selector)
    return found[0]


def read(operator: Operator, selector: str, text: str) -> None:
    """Waits until the element has the text; an earlier page may still be there."""
    found = "return document.querySelector(arguments[0])?.textContent.trim()"
    WebDriverWait(operator.driver, PATIENCE, 0.1).until(
        lambda driver: driver.execute_script(found, selector) == text, f"{selector}: {text}"
    )


def see_after_reload(operator: Operator, text: str) -> None:
    """Loads the page until it has the text, as a person does without a script."""
    WebDriverWait(operator.driver, PATIENCE, 0.5).until(
        lambda driver: text in driver.find_element(By.TAG_NAME, "main").text or driver.refresh(), text
    )


def choose(operator: Operator, name: str, value: str) -> None:
    Select(operator.driver.find_element(By.NAME, name)).select_by_value(value)


def follow(operator: Operator, selector: str, address: str) -> None:
    """Clicks, and waits for an address with this part."""
    find(operator, selector).click()
    WebDriverWait(operator.driver, PATIENCE, 0.1).until(lambda driver: address in driver.current_url, address)


def test_the_time_of_a_consent_is_entered_in_the_zone_of_the_browser_and_shown_in_it_again(
    in_kolkata: Operator, call: Call
) -> None:
    in_kolkata.open(NEW_CLIENT)
    assert find(in_kolkata, "label[for=consent_at] .zone").text == "Asia/Calcutta"
    in_kolkata.type("phone_number", "79888800001")
    in_kolkata.pick("consent_at", datetime(2026, 3, 1, 15, 30))
    in_kolkata.type("consent_source", "a form in the shop")
    assert "10:00" in find(in_kolkata, "output[for=consent_at]").text
    follow(in_kolkata, "main form .primary", "done=saved")
    client = call("GET", "/Clients/", params={"phone_number": "79888800001"}).json()["results"][0]
    assert client["consent_at"] == "2026-03-01T10:00:00Z"
    in_kolkata.see("Times are in this zone: Asia/Calcutta")
    in_kolkata.open(f"/console/clients/{client['id']}")
    assert typed(in_kolkata, "consent_at") == "2026-03-01T15:30"
    follow(in_kolkata, "main form .primary", "done=saved")
    assert call("GET", f"/Clients/{client['id']}/").json()["consent_at"] == client["consent_at"], "saved as it was"


def test_times_in_the_hour_that_the_clocks_repeat_stay_as_they_are_if_another_field_is_changed(
    in_berlin: Operator, call: Call
) -> None:
    dates = {"datetime_start": "2040-10-28T00:30:00Z", "datetime_end": "2040-10-28T01:30:00Z"}
    mailing = call("POST", "/Mailing/", json={**dates, "message_text": "before", "filter_tag": "nobody"}).json()
    in_berlin.open(f"/console/mailings/{mailing['id']}/edit")
    assert typed(in_berlin, "datetime_start") == typed(in_berlin, "datetime_end") == "2040-10-28T02:30"
    assert "1:30" in find(in_berlin, "output[for=datetime_end]").text
    in_berlin.type("message_text", "after")
    follow(in_berlin, "main form .primary", "done=saved")
    found = call("GET", f"/Mailing/{mailing['id']}/").json()
    assert found["message_text"] == "after"
    assert {name: found[name] for name in dates} == dates
    call("DELETE", f"/Mailing/{mailing['id']}/").raise_for_status()


def test_an_import_names_the_columns_that_it_would_not_keep(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    file.write_text("phone_number;tag;Скидка\n79888800010;a;10\n")
    operator.open("/console/imports")
    find(operator, "#file").send_keys(str(file))
    find(operator, "[data-upload] .primary").click()
    meanings = {
        name: Select(find(operator, f"#columns [data-name='{name}']")) for name in ("phone_number", "tag", "Скидка")
    }
    meanings["Скидка"].select_by_index(0)
    assert find(operator, "#left-out b").text == "Скидка"
    meanings["tag"].select_by_index(0)
    assert find(operator, "#left-out b").text == "tag, Скидка"
    meanings["tag"].select_by_value("tag")
    meanings["Скидка"].select_by_value("attributes.Скидка")
    assert not find(operator, "#left-out").is_displayed()


def test_a_file_is_imported_without_a_script(without_scripts: Operator, call: Call, tmp_path: Path) -> None:
    file = tmp_path / "клиенты.csv"
    file.write_bytes("Телефон;Скидка\r\n79888800020;десять\r\n".encode("cp1251"))
    without_scripts.open("/console/imports")
    find(without_scripts, "#file").send_keys(str(file))
    find(without_scripts, "[data-upload] .primary").click()
    assert find(without_scripts, "#left-out b").text == "Скидка"
    choose(without_scripts, "meaning-1", "attributes.Скидка")
    follow(without_scripts, "#columns [name=dry_run][value=true]", "done=checking")
    assert "клиенты.csv" in find(without_scripts, "h1").text
    see_after_reload(without_scripts, "Import this file")
    follow(without_scripts, "form[action$='/start'] button", "done=imported")
    see_after_reload(without_scripts, "Undo import")
    [client] = call("GET", "/Clients/", params={"phone_number": "79888800020"}).json()["results"]
    assert client["attributes"] == {"Скидка": "десять"}


def test_a_row_of_conditions_shows_what_its_field_needs_without_a_script(without_scripts: Operator) -> None:
    without_scripts.open("/console/segments/new")
    name, value = (find(without_scripts, f".condition .{part}") for part in ("attribute-name", "compared-value"))
    assert (name.is_displayed(), value.is_displayed()) == (False, True)
    choose(without_scripts, "where_0_field", "attribute")
    assert name.is_displayed()
    choose(without_scripts, "where_0_operator", "present")
    assert (name.is_displayed(), value.is_displayed()) == (True, False)
    choose(without_scripts, "where_0_field", "stop_list")
    assert (name.is_displayed(), value.is_displayed()) == (False, False)
    operators = Select(without_scripts.driver.find_element(By.NAME, "where_0_operator")).options
    assert [one.get_attribute("value") for one in operators if one.value_of_css_property("display") != "none"] == [
        "is",
        "is_not",
    ]


def test_a_row_of_conditions_suggests_the_values_of_its_field(operator: Operator) -> None:
    operator.open("/console/segments/new")
    value = find(operator, "[name=where_0_value]")
    for field, suggested in {"tag": "values_tag", "attribute": None, "timezone": "values_timezone"}.items():
        choose(operator, "where_0_field", field)
        listed = operator.driver.execute_script("return arguments[0].list?.id ?? null", value)
        assert listed == suggested, field


def test_a_segment_and_a_mailing_to_it_are_made_and_launched_without_a_script(
    without_scripts: Operator, call: Call
) -> None:
    operator = without_scripts
    call("POST", "/Clients/", data={"phone_number": "79888800021", "tag": "scriptless"}).raise_for_status()
    operator.open("/console/segments/new")
    operator.type("name", "Scriptless")
    choose(operator, "where_0_field", "tag")
    operator.type("where_0_value", "scriptless")
    find(operator, "[name=step][value=rows]").click()
    find(operator, "[name=where_2_field]")
    find(operator, "[name=step][value=count]").click()
    read(operator, "p.note[role=status] b", "1")
    follow(operator, "[name=step][value=save]", "done=saved")
    follow(operator, "a[href*='mailings/new?segment=']", "/console/drafts/")
    operator.type("message_text", "No script has run")
    operator.pick("datetime_start", datetime(2040, 6, 1, 9, 30))
    operator.pick("datetime_end", datetime(2040, 6, 1, 18, 0))
    find(operator, "[name=step][value=preview]").click()
    read(operator, "#preview .note b", "1")
    follow(operator, "[name=step][value=check]", "/check")
    read(operator, "#recipients", "1")
    follow(operator, "#launch .primary", "/console/mailings/")
    mailing = mailings_with(call, "No script has run")[0]
    assert mailing["datetime_start"] == "2040-06-01T09:30:00Z", "without a script times are in UTC"
    assert find(operator, "noscript a").text == "Reload to see the progress"
    find(operator, "noscript a").click()
    follow(operator, "#cancel", "/cancel")
    follow(operator, "form[action$='/cancel'] button", "done=cancel")
    assert call("GET", f"/Mailing/{mailing['id']}/").json()["status"] == "cancelled"
