"""Stops by phone number, while others register, change and delete clients with the number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.access.audit import author_of
from chalicelib.clients.registry import change_client, delete_client, get_client, opt_out_client, register_client
from chalicelib.clients.stop_list import get_stop, list_stops, resume_number, stop_number
from chalicelib.domain.stop import StopCause
from chalicelib.errors import NotFound
from infra.local.doubles.fakes import FakeServices

PHONE = "79774053329"
CAUSE = StopCause("recipient", "STOP")


class Meanwhile:
    """Calls a function once, before the next call of one method of a table."""

    def __init__(self, table: Any, method: str, act: Callable[[], object]) -> None:
        self.table, self.method, self.act = table, method, act

    def __getattr__(self, name: str) -> Any:
        if name == self.method and self.act is not None:
            act, self.act = self.act, None  # type: ignore[assignment]
            act()
        return getattr(self.table, name)


@pytest.fixture
def services() -> Any:
    return FakeServices()


def stop(services: Any) -> Any:
    return stop_number(services, PHONE, CAUSE, author_of(services, "anna"))


def resume(services: Any) -> None:
    resume_number(services, PHONE, author_of(services, "anna"))


def test_a_client_that_is_registered_meanwhile_is_opted_out(services: Any) -> None:
    services.stop_list = Meanwhile(
        services.stop_list, "add", lambda: register_client(services, {"phone_number": PHONE})
    )
    found, is_new = stop(services)
    assert (found.client_id, is_new) == (1, True)
    assert get_client(services, 1).opted_out_at == found.opted_out_at
    assert get_stop(services, PHONE) == found


def test_a_number_whose_client_is_deleted_meanwhile_is_stopped_alone(services: Any) -> None:
    register_client(services, {"phone_number": PHONE})
    services.clients = Meanwhile(services.clients, "change", lambda: delete_client(services, 1))
    found, is_new = stop(services)
    assert (found.client_id, is_new) == (None, True)
    assert get_stop(services, PHONE) == found


def test_a_client_that_gets_another_number_meanwhile_is_left_alone(services: Any) -> None:
    register_client(services, {"phone_number": PHONE})
    services.clients = Meanwhile(
        services.clients, "change", lambda: change_client(services, 1, {"phone_number": "79210000001"})
    )
    found, _ = stop(services)
    assert found.client_id is None
    assert get_client(services, 1).opted_out_at is None


def test_a_client_that_takes_a_stopped_number_meanwhile_is_opted_in(services: Any) -> None:
    stop(services)
    services.stop_list = Meanwhile(
        services.stop_list, "remove", lambda: register_client(services, {"phone_number": PHONE})
    )
    resume(services)
    assert get_client(services, 1).opted_out_at is None
    with pytest.raises(NotFound):
        get_stop(services, PHONE)


def test_a_number_whose_client_leaves_meanwhile_is_resumed(services: Any) -> None:
    register_client(services, {"phone_number": PHONE})
    opt_out_client(services, 1)
    services.clients = Meanwhile(services.clients, "change", lambda: delete_client(services, 1))
    resume(services)
    assert list_stops(services, None, 9) == ([], None)


def test_two_senders_of_a_stop_write_it_once(services: Any) -> None:
    services.stop_list = Meanwhile(services.stop_list, "add", lambda: stop(services))
    _, is_new = stop(services)
    assert not is_new
    assert [record.action for record in services.audit.records] == ["opted out"]
