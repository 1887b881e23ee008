"""Sign-in through an OpenID provider in a real browser, which keeps to the policy of the pages and to SameSite.

`chalice local` serves the console: the front of the local stack refuses the redirect of another web page.
"""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from chalicelib.settings import LOCAL_STAGE, Settings
from infra.deploy.stored_secrets import put_secrets
from infra.local.deployment import STACK_NAME
from infra.local.stack import DevStack
from tests.openid_provider import CLIENT_ID, SECRET, Provider, running_provider
from tools.browser import HOW_TO_HAVE_IT, find_browser, open_browser

from .chalice_local import chalice_local
from .test_console import PATIENCE, Operator

SUBJECT = "olga"
CLAIMS = {"email": "olga@example.com", "email_verified": True, "roles": ["sms-admins"]}


@pytest.fixture(scope="module")
def driver() -> Iterator[WebDriver]:
    """The page of the provider has a stylesheet from a foreign host, which the browser does not find."""
    if find_browser() is None:
        pytest.skip(HOW_TO_HAVE_IT)
    driver = open_browser(arguments=("--host-resolver-rules=MAP cdn.jsdelivr.net ~NOTFOUND",))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        with running_provider() as provider:
            provider.put_user(SUBJECT, **CLAIMS)
            yield provider


@pytest.fixture(scope="module")
def url(stack: DevStack, provider: Provider) -> Iterator[str]:
    """To a browser `localhost` and 127.0.0.1 are two sites, as the provider and the service are."""
    secret = Settings(stage=LOCAL_STAGE, stack_name=STACK_NAME).oidc_secret_parameter
    put_secrets(STACK_NAME, {secret: SECRET}, receipts=False)
    variables = {"OIDC_ISSUER": provider.url.replace("127.0.0.1", "localhost"), "OIDC_CLIENT_ID": CLIENT_ID}
    variables |= {"OIDC_ROLE_CLAIM": "roles", "OIDC_ROLES": "sms-admins=admin"}
    with chalice_local(stack, variables) as url:
        yield url
    boto3.client("ssm").delete_parameter(Name=secret)


@pytest.fixture
def visitor(driver: WebDriver, url: str) -> Iterator[Operator]:
    """Somebody who is not signed in."""
    visitor = Operator(driver, url)
    visitor.open("/console/sign-in")
    driver.delete_all_cookies()
    driver.get_log("browser")
    yield visitor
    assert own_log(driver, url) == [], "a script failed, or the content security policy blocked something"


def own_log(driver: WebDriver, url: str) -> list[str]:
    """What the browser has written about pages of the console."""
    return [line["message"] for line in driver.get_log("browser") if line["message"].startswith(url)]


def wait_for(visitor: Operator, beginning: str) -> None:
    wait = WebDriverWait(visitor.driver, PATIENCE, 0.1)
    wait.until(lambda driver: driver.current_url.startswith(beginning), beginning)


def sign_in_there(visitor: Operator) -> None:
    """On the page of the provider."""
    wait_for(visitor, "http://localhost:")
    visitor.type("sub", SUBJECT)
    visitor.driver.find_element(By.NAME, "sub").submit()


def test_a_person_signs_in_through_the_provider_and_gets_the_page_that_was_asked_for(visitor: Operator) -> None:
    visitor.open("/console/clients")
    visitor.driver.find_element(By.CSS_SELECTOR, "a[href*='/sign-in/openid']").click()
    sign_in_there(visitor)
    wait_for(visitor, f"{visitor.url}/console/clients")
    visitor.see("olga@example.com")
    visitor.driver.find_element(By.CSS_SELECTOR, "form.who button").click()
    wait_for(visitor, f"{visitor.url}/console/sign-in")


def test_a_form_that_outlives_its_session_is_sent_after_a_sign_in_through_the_provider(visitor: Operator) -> None:
    visitor.driver.find_element(By.CSS_SELECTOR, "a[href*='/sign-in/openid']").click()
    sign_in_there(visitor)
    wait_for(visitor, f"{visitor.url}/console")
    visitor.open("/console/clients/new")
    visitor.type("phone_number", "79888900001")
    visitor.driver.delete_all_cookies()
    visitor.press("Save")
    visitor.see("What you typed is kept")
    visitor.driver.get_log("browser")  # Chromium logs the status 401
    first = visitor.driver.current_window_handle
    visitor.driver.find_element(By.CSS_SELECTOR, "a[href*='/sign-in/openid']").click()
    visitor.driver.switch_to.window(visitor.driver.window_handles[-1])
    sign_in_there(visitor)
    visitor.see("olga@example.com")
    visitor.driver.close()
    visitor.driver.switch_to.window(first)
    visitor.driver.find_element(By.NAME, "resume").click()
    visitor.see("Your form is kept")
    visitor.press("Submit the form")
    visitor.see("Saved.")
