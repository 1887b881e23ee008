"""What the console does for a person at the keyboard, in a real browser."""

from __future__ import annotations

from typing import Any

from selenium.webdriver.common.by import By

from infra.local.seed import LOCAL_PASSWORD, LOCAL_USER

from .test_console import Operator, accessibility_faults, driver, operator, signed_in

__all__ = ["driver", "operator", "signed_in"]


def would_ask_before_leaving(operator: Operator) -> bool:
    """The driver accepts the browser's own question, so the page is asked directly."""
    asked: Any = operator.driver.execute_script("return !dispatchEvent(new Event('beforeunload', {cancelable: true}))")
    return bool(asked)


def strike(operator: Operator, *keys: str) -> None:
    operator.driver.find_element(By.TAG_NAME, "body").send_keys(*keys)


def test_a_form_that_outlives_its_session_goes_on_after_the_sign_in(operator: Operator) -> None:
    operator.open("/console/clients/new")
    operator.see("New client")
    assert not would_ask_before_leaving(operator)
    operator.type("phone_number", "79880000777")
    operator.type("attributes", "имя=Анна\nгород=Омск")
    assert would_ask_before_leaving(operator)
    operator.type("phone_number", "7988")
    operator.press("Save")
    operator.see("Not saved.")
    operator.driver.get_log("browser")  # Chromium logs the status 400
    assert would_ask_before_leaving(operator), "the page shows again what was typed"
    operator.type("phone_number", "79880000777")
    operator.driver.delete_all_cookies()
    operator.press("Save")
    operator.see("What you typed is kept")
    operator.driver.get_log("browser")  # Chromium logs the status 401
    assert accessibility_faults(operator) == []
    assert would_ask_before_leaving(operator)
    operator.type("name", LOCAL_USER)
    operator.type("password", LOCAL_PASSWORD)
    operator.press("Sign in")
    operator.see("Your form is kept")
    operator.see("79880000777")
    assert accessibility_faults(operator) == []
    operator.press("Submit the form")
    operator.see("Saved.")
    operator.press("79880000777")
    operator.see("Messages to this client")
    attributes = operator.driver.find_element(By.NAME, "attributes").get_attribute("value")
    assert attributes == "город=Омск\nимя=Анна"


def test_shortcuts_lead_to_pages_and_can_be_turned_off(operator: Operator) -> None:
    strike(operator, "g", "c")
    operator.see("New client")
    strike(operator, "/")
    assert operator.driver.switch_to.active_element.get_attribute("id") == "phone"
    operator.driver.switch_to.active_element.send_keys("g", "m")
    assert operator.driver.current_url.endswith("/console/clients"), "nobody leaves a page by typing"
    operator.open("/console/clients")
    strike(operator, "n")
    operator.see("Consent to marketing")
    operator.open("/console/clients")
    strike(operator, "?")
    operator.see("Turn the shortcuts off")
    assert accessibility_faults(operator) == []
    operator.press("Turn the shortcuts off")
    operator.see("Turn the shortcuts on")
    strike(operator, "g", "c")
    assert operator.driver.current_url.endswith("/console/shortcuts")
    operator.press("Turn the shortcuts on")
    strike(operator, "g", "c")
    operator.see("New client")


def test_the_language_is_switched_on_any_page(operator: Operator) -> None:
    operator.open("/console/clients?tag=none")
    for name, text in (("Русский", "Код оператора"), ("English", "Operator code")):
        operator.driver.find_element(By.XPATH, f"//footer//button[text()='{name}']").click()
        operator.see(text)
        assert operator.driver.current_url.endswith("/console/clients?tag=none")


def test_an_unknown_address_is_a_page_at_any_depth(operator: Operator) -> None:
    for path in ("/console/nowhere", "/console/no/such/page"):
        operator.open(path)
        operator.see("Page not found")
        operator.driver.get_log("browser")  # Chromium logs the status 404
        assert accessibility_faults(operator) == []
        assert operator.driver.find_elements(By.CSS_SELECTOR, "nav a")
