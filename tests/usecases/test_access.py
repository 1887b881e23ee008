"""Tokens: creation, use and revocation, each with an audit record."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

import pytest

from chalicelib.access.audit import RESERVED_NAMES
from chalicelib.access.tokens import USE_RECORDED_EVERY, authenticate, digest, make_token, revoke_token
from chalicelib.domain.audit_record import Author
from chalicelib.errors import BadInput, NotAuthenticated, NotFound
from infra.local.doubles.fakes import FakeServices
from tests.cheap_user import put_user


def test_the_last_use_of_a_token_is_recorded_now_and_then() -> None:
    services = FakeServices()
    token = make_token(services, "shop", "admin")
    first = services.clock.now()
    for _ in range(2):
        authenticate(services, f"Token {token}")
        assert services.tokens.rows[digest(token)].last_used_at == first
        services.clock.time += USE_RECORDED_EVERY - timedelta(seconds=1)
    services.clock.time += timedelta(seconds=2)
    authenticate(services, f"Token {token}")
    assert services.tokens.rows[digest(token)].last_used_at == services.clock.now()


def test_a_created_and_a_revoked_token_are_recorded_without_the_secret() -> None:
    services = FakeServices()
    author = Author("anna", services.clock.now(), 0.5)
    token = make_token(services, "shop", "read", author)
    for _ in range(2):
        revoke_token(services, digest(token), author)
    assert [record.action for record in services.audit.records] == ["made", "revoked"]
    assert services.audit.records[0].after == {"name": "shop", "role": "read"}
    assert token not in str(services.audit.records)
    assert token not in str(services.tokens.rows)
    with pytest.raises(NotAuthenticated):
        authenticate(services, f"Token {token}")


@pytest.mark.parametrize(("name", "role"), [("", "read"), ("   ", "read"), ("x" * 65, "read"), ("shop", "king")])
def test_a_token_without_a_name_or_with_another_role_is_refused(name: str, role: str) -> None:
    services = FakeServices()
    with pytest.raises(BadInput):
        make_token(services, name, role)
    assert services.tokens.rows == {}


UNSEEN = [
    "a\nb",
    "a\rb",
    "a\tb",
    "a\x7f",
    "a\x85b",
    "a\u2028b",
    "\u202eanna",
    "a\u2066b",
    "a\u200bb",
    "a\u00adb",
    "\ufeffa",
]
BLANK = ["a\u3164", "\u2800", "a\ufe0f", "a\U000e0100", "a\U000e0041", "a\ud800", "a\ue000"]


@pytest.mark.parametrize("name", [*UNSEEN, *BLANK], ids=ascii)
def test_a_name_with_characters_that_cannot_be_seen_is_refused(name: str) -> None:
    services = FakeServices()
    with pytest.raises(BadInput, match="cannot be seen"):
        make_token(services, name, "read")
    assert services.tokens.rows == {}


LOOK_ALIKES = ["\u0430nna", "\u0410nna", "ann\u03b1", "ann\u0251", "\u0391\u039d\u039d\u0391"]
"""With a Cyrillic a, a Greek alpha, a Latin alpha, in Greek capitals."""


@pytest.mark.parametrize("user", ["anna", "Anna", "ANNA"])
@pytest.mark.parametrize("name", ["anna", " anna ", "Anna", "ａnna", *LOOK_ALIKES], ids=ascii)
def test_a_token_cannot_have_the_name_of_a_user(user: str, name: str) -> None:
    services = FakeServices()
    put_user(services, user, "read")
    with pytest.raises(BadInput, match="A user has this name"):
        make_token(services, name, "read")
    assert services.tokens.rows == {}


@pytest.mark.parametrize(
    "name", [*sorted(RESERVED_NAMES), "The  Service itself", "the\u00a0service itself", "Сервис", "СЕРВИС", "CEPBИC"]
)
def test_a_token_cannot_have_a_name_that_the_audit_gives_to_the_service(name: str) -> None:
    services = FakeServices()
    with pytest.raises(BadInput, match="The service itself has this name"):
        make_token(services, name, "read")
    assert services.tokens.rows == {}


@pytest.mark.parametrize(
    "name",
    [
        "manage_tokens (anna)",
        "Manage_Tokens\u00a0(anna)",
        "manage_tokens（anna）",
        "start_import: anna",
    ],
    ids=ascii,
)
def test_a_token_cannot_have_the_name_that_the_audit_gives_to_a_person_who_invokes_a_function(name: str) -> None:
    services = FakeServices()
    with pytest.raises(BadInput, match="The service itself has this name"):
        make_token(services, name, "read")
    assert services.tokens.rows == {}


@pytest.mark.parametrize("name", ["a script", "Магазин №1", "отчёты", "shop@example.com", "Анна"])
def test_a_name_of_letters_digits_and_signs_is_stored_as_it_is_shown(name: str) -> None:
    services = FakeServices()
    put_user(services, "anna", "read")
    token = make_token(services, unicodedata.normalize("NFD", name), "read")
    assert services.tokens.rows[digest(token)].principal.name == name


def test_an_unknown_token_cannot_be_revoked() -> None:
    with pytest.raises(NotFound):
        revoke_token(FakeServices(), digest("other"))
    with pytest.raises(NotFound):
        revoke_token(FakeServices(), "0" * 3000)
