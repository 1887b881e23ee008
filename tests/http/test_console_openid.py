"""Sign-in through an OpenID provider that runs on loopback, and attacks on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from chalicelib.access.openid import REQUEST_LIFE
from chalicelib.access.tokens import make_token
from chalicelib.access.users import make_user
from chalicelib.adapters.clock import Clock
from chalicelib.adapters.identity_provider import IdentityProvider
from chalicelib.adapters.services import Services
from tests.openid_provider import CLIENT_ID, SECRET, Provider, running_provider

from .conftest import Answer
from .test_console import Browser, anna, anonymous

__all__ = ["anna", "anonymous"]

START = "/console/sign-in/openid"
CALLBACK = "https://api.example.com/console/sign-in/callback"
ADMIN = {"email": "olga@example.com", "email_verified": True, "roles": ["staff", "sms-admins"]}


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        with running_provider() as provider:
            yield provider


class Secret:
    def __init__(self) -> None:
        self.text, self.is_expired = SECRET, False

    def value(self) -> str:
        return self.text

    def expire(self) -> None:
        self.is_expired = True


@pytest.fixture
def provider(running: Provider, services: Services) -> Provider:
    """The service signs in through it. Nothing of an earlier test is left."""
    running.claims, running.metadata = {}, {}
    running.calls.clear()
    configure(services, running.url)
    return running


def configure(services: Services, issuer: str, **settings: Any) -> None:
    roles = ("sms-admins=admin", "sms-readers=read")
    known = {"oidc_issuer": issuer, "oidc_client_id": CLIENT_ID, "oidc_role_claim": "roles", "oidc_roles": roles}
    services.settings = replace(services.settings, **known, **settings)
    found = IdentityProvider(issuer, CLIENT_ID, Secret(), is_local=True)
    services.identity_provider = found  # type: ignore[misc]


def begin(browser: Browser, wanted: str = "") -> str:
    """Returns the address of the provider."""
    answer = browser.get(START + (f"?{urlencode({'next': wanted})}" if wanted else ""))
    assert answer.status == 303, answer.text
    assert "HttpOnly; SameSite=Lax; Secure" in answer.headers["Set-Cookie"]
    return answer.headers["Location"]


def end(browser: Browser, address: str) -> Answer:
    assert address.startswith(f"{CALLBACK}?")
    return browser.get(address.removeprefix("https://api.example.com"))


def sign_in(browser: Browser, provider: Provider, subject: str, wanted: str = "") -> Answer:
    return end(browser, provider.answer(begin(browser, wanted), subject))


def actions(services: Services) -> list[tuple[str, str, str]]:
    records = services.audit.read(services.clock.now().toordinal(), 10**20, 10)
    return [(one.who, one.id, one.action) for one in records[::-1]]


def test_a_user_signs_in_through_the_provider_and_gets_the_page_that_was_asked_for(
    anonymous: Browser, provider: Provider, services: Services
) -> None:
    provider.put_user("17", **ADMIN)
    assert "Sign in through 127.0.0.1" in anonymous.get("/console/sign-in?next=/console/clients").text
    address = begin(anonymous, "/console/clients")
    query = parse_qs(urlsplit(address).query)
    assert query["redirect_uri"] == [CALLBACK]
    assert query["code_challenge_method"] == ["S256"]
    answer = end(anonymous, provider.answer(address, "17"))
    assert (answer.status, answer.headers["Location"]) == (303, "/console/clients")
    page = anonymous.get("/console/users").text
    assert "olga@example.com" in page
    assert "through the identity provider" in page
    assert "users/olga@example.com/password" not in page, "the provider has the password"
    name = "olga@example.com"
    assert actions(services) == [(name, name, "made"), (name, name, "signed in")]


def test_the_discovery_document_is_read_once(anonymous: Browser, provider: Provider) -> None:
    provider.put_user("17", **ADMIN)
    for _ in range(2):
        assert sign_in(anonymous, provider, "17").status == 303
    assert provider.calls.count("/.well-known/openid-configuration") == 1


def test_the_role_is_that_of_the_last_sign_in(anonymous: Browser, provider: Provider, services: Services) -> None:
    provider.put_user("17", **ADMIN)
    sign_in(anonymous, provider, "17")
    provider.put_user("17", **{**ADMIN, "roles": ["sms-readers"]})
    sign_in(Browser(anonymous.http), provider, "17")
    assert anonymous.get("/console/users").status == 403, "in the open session too"
    assert actions(services)[-2][2] == "changed"


@pytest.mark.parametrize("roles", [[], ["staff"], "sms", None, {"sms-admins": True}])
def test_without_a_role_the_page_says_what_to_ask_for(
    anonymous: Browser, provider: Provider, written: Callable[[], list[Any]], roles: object
) -> None:
    provider.put_user("17", **{**ADMIN, "roles": roles})
    before = users(written)
    answer = sign_in(anonymous, provider, "17")
    assert answer.status == 403
    assert "sms-admins or sms-readers" in answer.text
    assert "olga@example.com" in answer.text
    assert users(written) == before
    assert anonymous.get("/console").status == 303


def users(written: Callable[[], list[Any]]) -> list[Any]:
    """All rows but those that count attempts and used states."""
    return [row for row in written() if "number" not in row and "fingerprint" not in row]


def test_a_name_without_a_verified_email_is_the_subject(anonymous: Browser, provider: Provider) -> None:
    for subject, verified, shown in (("s-1", False, ">s-1 "), ("auth0|2", None, ">openid-")):
        provider.put_user(subject, **{**ADMIN, "email_verified": verified})
        assert sign_in(anonymous, provider, subject).status == 303
        assert shown in anonymous.get("/console/users").text
        assert "olga@example.com" not in anonymous.get("/console/users").text


def test_a_user_of_the_same_name_is_not_taken_over(
    anonymous: Browser, provider: Provider, services: Services, written: Callable[[], list[Any]]
) -> None:
    password = make_user(services, "olga@example.com", "admin")
    make_token(services, "Ivan@example.com", "read")
    provider.put_user("17", **ADMIN)
    provider.put_user("18", **{**ADMIN, "email": "ivan@example.com"})
    before = users(written)
    for subject in ("17", "18"):
        answer = sign_in(anonymous, provider, subject)
        assert answer.status == 403
        assert "Ask an administrator to remove it" in answer.text
    assert users(written) == before
    assert anonymous.sign_in("olga@example.com", password).status == 303


def test_another_person_with_the_same_email_is_not_taken_for_the_user(anonymous: Browser, provider: Provider) -> None:
    for subject in ("17", "a new employee"):
        provider.put_user(subject, **ADMIN)
    assert sign_in(anonymous, provider, "17").status == 303
    assert sign_in(Browser(anonymous.http), provider, "a new employee").status == 403


@pytest.fixture
def naming(provider: Provider, services: Services) -> Provider:
    """The claim `preferred_username` names users, and no email is verified, as at Entra ID."""
    configure(services, provider.url, oidc_name_claim="preferred_username")
    return provider


def put_named(provider: Provider, subject: str, name: object) -> None:
    provider.put_user(subject, **{**ADMIN, "email_verified": None, "preferred_username": name})


def test_a_claim_names_new_users(anonymous: Browser, naming: Provider) -> None:
    for subject, name, shown in (
        ("s-1", "Olga@Example.com", ">olga@example.com "),
        ("s-2", None, ">s-2 "),
        ("s-3", "имя", ">s-3 "),
    ):
        put_named(naming, subject, name)
        assert sign_in(Browser(anonymous.http), naming, subject).status == 303
        sign_in(anonymous, naming, subject)
        assert shown in anonymous.get("/console/users").text


def test_a_person_with_another_name_in_the_claim_stays_the_same_user(
    anonymous: Browser, naming: Provider, services: Services
) -> None:
    put_named(naming, "17", "olga")
    sign_in(anonymous, naming, "17")
    put_named(naming, "17", "ivan")
    assert sign_in(Browser(anonymous.http), naming, "17").status == 303
    assert {who for who, _, _ in actions(services)} == {"olga"}
    assert services.users.find("ivan") is None


def test_nobody_becomes_another_user_by_the_name_in_the_claim(
    anonymous: Browser, naming: Provider, services: Services
) -> None:
    put_named(naming, "17", "olga")
    sign_in(Browser(anonymous.http), naming, "17")
    make_user(services, "vera", "admin")
    for name in ("olga", "OLGA", "vera"):
        put_named(naming, "an attacker", name)
        answer = sign_in(Browser(anonymous.http), naming, "an attacker")
        assert (answer.status, "Ask an administrator to remove it" in answer.text) == (403, True), name


def test_a_user_from_before_the_setting_keeps_the_name(
    anonymous: Browser, provider: Provider, services: Services
) -> None:
    put_named(provider, "s-1", "olga")
    sign_in(Browser(anonymous.http), provider, "s-1")
    configure(services, provider.url, oidc_name_claim="preferred_username")
    assert sign_in(anonymous, provider, "s-1").status == 303
    assert services.users.find("olga") is None


def test_a_user_of_the_provider_has_no_password_and_the_role_of_the_provider(anna: Browser, provider: Provider) -> None:
    provider.put_user("17", **ADMIN)
    sign_in(Browser(anna.http), provider, "17")
    for password in ("", "x"):
        assert Browser(anna.http).post("/console/sign-in", name="olga@example.com", password=password).status == 401
    for step in ("password", "role"):
        assert anna.post(f"/console/users/olga@example.com/{step}", role="read").status == 400
    assert anna.post("/console/users/olga@example.com/remove").status == 303


def test_passwords_can_be_turned_off(anonymous: Browser, provider: Provider, services: Services) -> None:
    configure(services, provider.url, oidc_only=True)
    assert 'name="password"' not in anonymous.get("/console/sign-in").text
    assert anonymous.post("/console/sign-in", name="anna", password="secret").status == 403
    provider.put_user("17", **ADMIN)
    assert sign_in(anonymous, provider, "17").status == 303


@pytest.mark.parametrize("only", [False, True])
def test_a_form_that_the_end_of_the_session_interrupted_survives_the_sign_in(
    anonymous: Browser, provider: Provider, services: Services, only: bool
) -> None:
    """The provider opens in another tab of the same browser, and has the form in neither."""
    configure(services, provider.url, oidc_only=only)
    provider.put_user("17", **ADMIN)
    page = anonymous.post("/console/clients/new", phone_number="79770000001", timezone="UTC").text
    assert 'target="_blank"' in page
    assert ('name="password"' in page) is not only
    kept = {"resume": "1", "interrupted": "1", "next": "/console/clients/new", "kept.phone_number": "79770000001"}
    early = anonymous.post("/console/sign-in", **kept)
    assert (early.status, 'value="79770000001"' in early.text) == (401, True)
    sign_in(anonymous, provider, "17")
    answer = anonymous.post("/console/sign-in", **kept)
    assert (answer.status, 'name="phone_number" value="79770000001"' in answer.text) == (200, True)


def test_without_a_provider_there_is_no_such_sign_in(anonymous: Browser) -> None:
    assert "Sign in through" not in anonymous.get("/console/sign-in").text
    for path in (START, "/console/sign-in/callback?code=1&state=2"):
        assert anonymous.get(path).status == 404


# Attacks


def test_an_answer_is_used_once(anonymous: Browser, provider: Provider) -> None:
    """Also if the attacker has the cookie."""
    provider.put_user("17", **ADMIN)
    address = begin(anonymous)
    cookie = anonymous.cookie
    answer = provider.answer(address, "17")
    assert end(anonymous, answer).status == 303
    anonymous.cookie = cookie
    replayed = end(anonymous, answer)
    assert (replayed.status, "used before" in replayed.text) == (401, True)
    assert provider.calls.count("/oauth2/token") == 1


def test_an_answer_to_another_browser_signs_nobody_in(anonymous: Browser, provider: Provider) -> None:
    """Login CSRF: the attacker sends the victim an own answer. The victim's browser has no cookie, or another one."""
    provider.put_user("attacker", **ADMIN)
    forged = provider.answer(begin(Browser(anonymous.http)), "attacker")
    assert end(anonymous, forged).status == 401
    begin(anonymous)
    assert end(anonymous, forged).status == 401
    assert anonymous.get("/console").status == 303
    assert provider.calls.count("/oauth2/token") == 0


@pytest.mark.parametrize("query", ["", "code=1", "state=", "code=1&state=x", "state=%ED%A0%80", "error=x&state=x"])
def test_a_forged_answer_is_refused(anonymous: Browser, provider: Provider, query: str) -> None:
    begin(anonymous)
    assert anonymous.get(f"/console/sign-in/callback?{query}").status == 401
    assert provider.calls.count("/oauth2/token") == 0


def test_a_cookie_of_a_session_is_no_cookie_of_a_sign_in(anna: Browser, provider: Provider) -> None:
    anna.cookie = f"sign-in={anna.cookie.partition('=')[2]}"
    assert anna.get("/console/sign-in/callback?code=1&state=anna").status == 401


def test_a_late_answer_is_refused(anonymous: Browser, provider: Provider, services: Services) -> None:
    class Later(Clock):
        def now(self) -> Any:
            return super().now() + REQUEST_LIFE

    provider.put_user("17", **ADMIN)
    answer = provider.answer(begin(anonymous), "17")
    services.clock = Later()
    assert end(anonymous, answer).status == 401


def test_a_code_of_another_sign_in_is_refused_by_its_challenge(anonymous: Browser, provider: Provider) -> None:
    """Code injection: a stolen code in an own answer. PKCE binds the code to the browser that asked for it."""
    provider.put_user("victim", **ADMIN)
    stolen = parse_qs(urlsplit(provider.answer(begin(Browser(anonymous.http)), "victim")).query)["code"][0]
    own = parse_qs(urlsplit(begin(anonymous)).query)["state"][0]
    answer = anonymous.get(f"/console/sign-in/callback?{urlencode({'code': stolen, 'state': own})}")
    assert (answer.status, "begin again" in answer.text) == (401, True)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"aud": "another service"},
        {"aud": [CLIENT_ID, "another service"]},
        {"azp": "another service"},
        {"exp": 1_700_000_000},
        {"iat": 1_700_000_000},
    ],
    ids=str,
)
def test_an_id_token_of_another_sign_in_is_refused(
    anonymous: Browser, provider: Provider, claims: dict[str, Any], written: Callable[[], list[Any]]
) -> None:
    provider.put_user("17", **ADMIN)
    provider.claims = claims
    before = users(written)
    answer = sign_in(anonymous, provider, "17")
    assert (answer.status, "does not belong to this sign-in" in answer.text) == (401, True)
    assert users(written) == before


def test_an_answer_that_names_another_issuer_is_refused(anonymous: Browser, provider: Provider) -> None:
    """Mix-up, RFC 9207: the provider that answers is not the one that was asked."""
    provider.put_user("17", **ADMIN)
    answer = provider.answer(begin(anonymous), "17")
    assert end(anonymous, f"{answer}&iss=https%3A%2F%2Fevil.example").status == 401
    assert provider.calls.count("/oauth2/token") == 0


def test_a_provider_that_says_it_names_itself_has_to(anonymous: Browser, provider: Provider) -> None:
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    provider.put_user("17", **ADMIN)
    answer = provider.answer(begin(anonymous), "17")
    assert end(anonymous, answer).status == 401
    answer = provider.answer(begin(anonymous), "17")
    assert end(anonymous, f"{answer}&{urlencode({'iss': provider.url})}").status == 303


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": None},
    ],
    ids=str,
)
def test_a_discovery_document_of_another_issuer_or_without_tls_is_refused(
    anonymous: Browser, provider: Provider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    answer = anonymous.get(START)
    assert (answer.status, "check OIDC_ISSUER" in answer.text) == (502, True)


@pytest.mark.parametrize(
    "wanted",
    ["/console/" + "a" * 4000, "//evil.example", "https://evil.example", "/console/../..//evil", "javascript:1"],
)
def test_a_sign_in_leads_to_pages_of_the_console_only(anonymous: Browser, provider: Provider, wanted: str) -> None:
    provider.put_user("17", **ADMIN)
    assert sign_in(anonymous, provider, "17", wanted).headers["Location"] == "/console"


def test_a_sign_in_that_is_cancelled_there_says_so(anonymous: Browser, provider: Provider) -> None:
    """The package that answers here leaves out the state, which an error must have (RFC 6749, 4.1.2.1)."""
    address = begin(anonymous)
    state = parse_qs(urlsplit(address).query)["state"][0]
    answer = end(anonymous, f"{provider.answer(address, action='deny')}&state={state}")
    assert (answer.status, "cancelled at the identity provider" in answer.text) == (401, True)


def test_a_wrong_secret_is_named_for_an_administrator_and_read_anew(
    anonymous: Browser, provider: Provider, services: Services
) -> None:
    secret = Secret()
    secret.text = "old"
    found = IdentityProvider(provider.url, CLIENT_ID, secret, is_local=True)
    services.identity_provider = found  # type: ignore[misc]
    provider.put_user("17", **ADMIN)
    answer = sign_in(anonymous, provider, "17")
    assert (answer.status, "check OIDC_CLIENT_ID and the client secret" in answer.text) == (502, True)
    assert secret.is_expired


def test_a_provider_that_does_not_answer_is_named(anonymous: Browser, services: Services) -> None:
    configure(services, "http://127.0.0.1:9")
    answer = anonymous.get(START)
    assert (answer.status, "127.0.0.1 did not answer" in answer.text) == (502, True)


def test_a_flood_of_codes_reaches_the_provider_a_limited_number_of_times(
    anonymous: Browser, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.access.sign_in_attempts import ADDRESS, MAX_ATTEMPTS

    monkeypatch.setitem(MAX_ATTEMPTS, ADDRESS, 2)
    for status in (401, 401, 429):
        state = parse_qs(urlsplit(begin(anonymous)).query)["state"][0]
        assert anonymous.get(f"/console/sign-in/callback?code=guess&state={state}").status == status
    assert provider.calls.count("/oauth2/token") == 2
