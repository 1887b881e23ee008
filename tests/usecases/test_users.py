"""Users of the console: sign-in, limits on attempts, and passwords."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.access.audit import RESERVED_NAMES
from chalicelib.access.sign_in_attempts import ATTEMPT_PERIOD, MAX_ATTEMPTS
from chalicelib.access.tokens import digest, make_token, revoke_token
from chalicelib.access.users import (
    NEW_PASSWORD,
    SIGNED_IN,
    add_user,
    change_role,
    make_user,
    remove_user,
    set_user,
    sign_in,
)
from chalicelib.domain.audit_record import Author
from chalicelib.domain.password import Cost, Passwords
from chalicelib.errors import BadInput, NotAllowed, NotAuthenticated, NotFound, NotWritten, TooManyAttempts
from infra.local.doubles.fakes import FakeServices
from infra.local.seed import LOCAL_PASSWORD, LOCAL_USER
from tests.cheap_user import PASSWORD, put_user

ADDRESS = "198.51.100.7"


class Counting(Counter[str]):
    """Attempts that begin at a number."""

    def __init__(self, first: int) -> None:
        super().__init__()
        self.first = first

    def __missing__(self, key: str) -> int:
        return self.first


@pytest.fixture
def services_with_anna() -> FakeServices:
    services = FakeServices()
    put_user(services, "anna", "read")
    return services


def test_a_user_signs_in_with_the_password_that_is_shown_once() -> None:
    services = FakeServices()
    password = make_user(services, "anna", "read")
    assert sign_in(services, "anna", password, ADDRESS).principal.role == "read"
    assert password not in str(services.users.rows)


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "wrong"), ("boris", "wrong"), ("", ""), ("anna\x00", "\ud800")]
)
def test_a_wrong_name_and_a_wrong_password_give_the_same_error(name: str, password: str) -> None:
    services = FakeServices()
    put_user(services, "anna", "read")
    with pytest.raises(NotAuthenticated, match="The name or the password is wrong"):
        sign_in(services, name, password, ADDRESS)


def test_attempts_are_limited_by_user_and_address_even_with_the_right_password() -> None:
    services = FakeServices()
    password = put_user(services, "anna", "read")
    for _ in range(MAX_ATTEMPTS["user from address"]):
        with pytest.raises(NotAuthenticated):
            sign_in(services, "anna", "wrong", ADDRESS)
    with pytest.raises(TooManyAttempts):
        sign_in(services, "anna", password, ADDRESS)
    services.clock.time += ATTEMPT_PERIOD
    assert sign_in(services, "anna", password, ADDRESS)


def test_right_passwords_do_not_count(services_with_anna: FakeServices) -> None:
    for _ in range(MAX_ATTEMPTS["address"] + 1):
        assert sign_in(services_with_anna, "anna", PASSWORD, ADDRESS)
    assert set(services_with_anna.users.attempts.values()) == {0}


def test_a_right_password_gives_back_no_attempts_with_wrong_ones(services_with_anna: FakeServices) -> None:
    for _ in range(MAX_ATTEMPTS["user from address"]):
        sign_in(services_with_anna, "anna", PASSWORD, ADDRESS)
        with pytest.raises(NotAuthenticated):
            sign_in(services_with_anna, "anna", "wrong", ADDRESS)
    with pytest.raises(TooManyAttempts):
        sign_in(services_with_anna, "anna", PASSWORD, ADDRESS)


def test_attempts_from_many_addresses_lock_nobody_out(services_with_anna: FakeServices) -> None:
    for number in range(30):
        for _ in range(MAX_ATTEMPTS["user from address"] + 1):
            with pytest.raises((NotAuthenticated, TooManyAttempts)):
                sign_in(services_with_anna, "anna", "wrong", f"203.0.113.{number}")
    assert sign_in(services_with_anna, "anna", PASSWORD, ADDRESS)


def test_passwords_are_too_long_to_be_guessed_from_any_number_of_addresses() -> None:
    """The limits rely on it: they count by address."""
    passwords = {make_user(FakeServices(), "anna", "read") for _ in range(3)}
    assert len(passwords) == 3
    assert all(len(base64.urlsafe_b64decode(password)) * 8 >= 120 for password in passwords)


@pytest.mark.parametrize(
    ("name", "password", "attempts", "user", "reason"),
    [
        ("anna", "wrong", 0, "anna", "password"),
        ("anna", PASSWORD, 99, "anna", "attempts"),
        ("my-password-by-mistake", "wrong", 0, None, "password"),
        ("my-password-by-mistake", "wrong", 99, None, "attempts"),
        ("79774053329", "wrong", 0, None, "password"),
        ("no\nname", "wrong", 0, None, "password"),
    ],
)
def test_a_refused_sign_in_is_logged_with_the_name_of_an_existing_user_only(
    services_with_anna: FakeServices,
    lines: Callable[[], list[dict[str, Any]]],
    name: str,
    password: str,
    attempts: int,
    user: str | None,
    reason: str,
) -> None:
    services_with_anna.users.attempts = Counting(attempts)
    with pytest.raises((NotAuthenticated, TooManyAttempts)):
        sign_in(services_with_anna, name, password, ADDRESS)
    (line,) = lines()
    assert (line["level"], line["message"], line["reason"]) == ("WARNING", "sign-in refused", reason)
    assert line.get("user") == user
    for hidden in ("mistake", "wrong", PASSWORD, "4053329", ADDRESS):
        assert hidden not in str(line)


def test_attempts_from_one_address_do_not_lock_the_user_out_elsewhere() -> None:
    services = FakeServices()
    password = put_user(services, "anna", "read")
    for _ in range(MAX_ATTEMPTS["address"] + 5):
        with pytest.raises((NotAuthenticated, TooManyAttempts)):
            sign_in(services, "anna", "wrong", ADDRESS)
    assert sign_in(services, "anna", password, "203.0.113.1")


def test_attempts_are_limited_by_address_for_any_names() -> None:
    services = FakeServices()
    with pytest.raises(NotAuthenticated):
        sign_in(services, "unknown", "x", ADDRESS)
    address = [key for key in services.users.attempts if key.startswith("address#")]
    services.users.attempts.update(dict.fromkeys(address, MAX_ATTEMPTS["address"]))
    with pytest.raises(TooManyAttempts):
        sign_in(services, "another", "x", ADDRESS)


def test_names_and_addresses_are_not_stored_in_plain_text() -> None:
    services = FakeServices()
    with pytest.raises(NotAuthenticated):
        sign_in(services, "my-password-by-mistake", "x", ADDRESS)
    assert "mistake" not in str(services.users.attempts)
    assert ADDRESS not in str(services.users.attempts)


def test_the_published_password_works_only_on_the_local_stage() -> None:
    local, other = FakeServices(), FakeServices(stage="prod")
    for services in (local, other):
        set_user(services, LOCAL_USER, "admin", LOCAL_PASSWORD)
    assert sign_in(local, LOCAL_USER, LOCAL_PASSWORD, ADDRESS)
    with pytest.raises(NotAuthenticated):
        sign_in(other, LOCAL_USER, LOCAL_PASSWORD, ADDRESS)


def test_unknown_users_invalid_names_and_invalid_roles_are_refused() -> None:
    services = FakeServices()
    with pytest.raises(NotFound):
        remove_user(services, "anna")
    with pytest.raises(BadInput):
        make_user(services, "anna<script>", "read")
    with pytest.raises(BadInput):
        make_user(services, "anna", "king")
    assert services.users.rows == {}


def test_sign_ins_are_recorded_with_the_address(services_with_anna: FakeServices) -> None:
    sign_in(services_with_anna, "anna", PASSWORD, ADDRESS)
    (record,) = services_with_anna.audit.records
    assert (record.who, record.what, record.id, record.action) == ("anna", "user", "anna", SIGNED_IN)
    assert record.after == {"address": ADDRESS}


def test_a_refused_sign_in_leaves_no_record_because_anyone_can_make_one(services_with_anna: FakeServices) -> None:
    with pytest.raises(NotAuthenticated):
        sign_in(services_with_anna, "anna", "wrong", ADDRESS)
    assert services_with_anna.audit.records == []


def test_nobody_is_signed_in_without_a_record(services_with_anna: FakeServices) -> None:
    class Throttled:
        def add(self, record: object) -> None:
            raise NotWritten

    services_with_anna.audit = Throttled()  # type: ignore[assignment]
    with pytest.raises(NotWritten):
        sign_in(services_with_anna, "anna", PASSWORD, ADDRESS)


def test_users_that_are_made_changed_and_removed_are_recorded_without_the_password() -> None:
    services = FakeServices()
    author = Author("manage_users", services.clock.now(), 0.5)
    passwords = [make_user(services, "anna", role, author) for role in ("read", "admin", "admin")]
    remove_user(services, "anna", author)
    with pytest.raises(NotFound):
        remove_user(services, "anna", author)
    records = services.audit.records
    assert [record.action for record in records] == ["made", NEW_PASSWORD, NEW_PASSWORD, "removed"]
    assert {(record.who, record.what, record.id) for record in records} == {("manage_users", "user", "anna")}
    assert records[0].after == {"name": "anna", "role": "read"}
    assert (records[1].before, records[1].after) == ({"role": "read"}, {"role": "admin"})
    assert (records[2].before, records[2].after) == ({}, {})
    assert records[3].before == {"name": "anna", "role": "admin"}
    assert not [password for password in passwords if password in str(records)]


def test_a_user_that_was_made_meanwhile_keeps_the_password() -> None:
    services = FakeServices()
    author = Author("boris", services.clock.now(), 0.5)

    class Late(type(services.users)):  # type: ignore[misc]
        def names(self) -> list[str]:
            return []

    services.users = Late(services.audit)
    put_user(services, "anna", "read")
    with pytest.raises(BadInput, match="A user has this name"):
        add_user(services, "anna", "admin", author)
    assert sign_in(services, "anna", PASSWORD, ADDRESS).principal.role == "read"


def test_two_admins_that_remove_each_other_leave_one() -> None:
    services = FakeServices()
    for name in ("anna", "boris"):
        put_user(services, name, "admin")
    anna, boris = (Author(name, services.clock.now(), 0.5) for name in ("anna", "boris"))
    read = services.users.find
    services.users.find = lambda name: (remove_once(), read(name))[1]  # type: ignore[method-assign]

    def remove_once() -> None:
        services.users.find = read  # type: ignore[method-assign]
        remove_user(services, "anna", boris, by_admin=True)

    with pytest.raises(NotAllowed):
        remove_user(services, "boris", anna, by_admin=True)
    assert list(services.users.rows) == ["boris"]
    with pytest.raises(BadInput, match="ask another administrator"):
        remove_user(services, "boris", boris, by_admin=True)
    with pytest.raises(BadInput, match="ask another administrator"):
        change_role(services, "boris", "read", boris)


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_no_user_has_a_name_that_the_audit_gives_to_the_service(name: str) -> None:
    services = FakeServices()
    with pytest.raises(BadInput):
        make_user(services, name, "read")
    assert services.users.rows == {}


def test_no_new_user_has_the_name_of_a_token_that_works() -> None:
    services = FakeServices()
    token = make_token(services, "Anna", "read")
    with pytest.raises(BadInput, match="A token has this name"):
        make_user(services, "anna", "read")
    revoke_token(services, digest(token))
    assert make_user(services, "anna", "read")


@pytest.mark.parametrize("name", ["Anna", "\u0430nn\u0430"], ids=ascii)
def test_no_new_user_has_the_name_of_a_token_or_user_that_looks_like_its_own(name: str) -> None:
    services = FakeServices()
    make_token(services, name, "read")
    with pytest.raises(BadInput, match="A token has this name"):
        make_user(services, "anna", "read")
    make_user(services, "boris", "read")
    with pytest.raises(BadInput, match="A user has this name"):
        make_user(services, "Boris", "read")
    assert make_user(services, "boris", "admin"), "a new password"


def test_a_user_with_the_name_of_a_token_can_get_a_new_password() -> None:
    services = FakeServices()
    make_token(services, "anna", "read")
    put_user(services, "anna", "read")
    assert make_user(services, "anna", "read")


@pytest.mark.parametrize("name", ["", "anna\x00", "x" * 3000])
def test_a_name_that_no_user_can_have_is_unknown(name: str) -> None:
    with pytest.raises(NotFound):
        remove_user(FakeServices(), name)


def test_each_hash_has_its_own_salt_and_names_its_cost() -> None:
    cheap, costly = Passwords(Cost(4, 1, 1)), Passwords()
    one, other = (cheap.hash("secret", salt) for salt in (b"1" * 16, b"2" * 16))
    assert one.rpartition("$")[2] != other.rpartition("$")[2]
    assert cheap.match("secret", other)
    assert not cheap.match("Secret", other)
    assert not cheap.match("secret", None), "there is no such user"
    assert costly.match("secret", one), "a hash is checked at its own cost"
    assert costly.hash("secret", b"1" * 16).startswith("scrypt$14$8$5$MTExMTExMTExMTExMTExMQ==$")
