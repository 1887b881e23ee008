"""Lambdas called by a person with `aws lambda invoke`: an invalid payload gets a readable answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib.access.audit import list_records
from chalicelib.adapters.services import Services
from chalicelib.domain.principal import ROLES


@pytest.fixture
def invoke(services: Services) -> Iterator[Any]:
    with Client(app) as client:
        yield lambda name, payload: client.lambda_.invoke(name, payload).payload


def test_the_sweep_needs_no_payload(invoke: Any) -> None:
    steps = invoke("sweep", {})
    assert steps
    assert set(steps.values()) == {0}


def test_the_sweep_accepts_the_payload_of_eventbridge(invoke: Any) -> None:
    assert invoke("sweep", {"source": "aws.events", "detail": {}}) == invoke("sweep", {})


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        ({"mailing": 12}, {"mailing": 12, "started": False}),
        ({"mailing": 12, "opens_at": 1795500000}, {"mailing": 12, "released": False}),
    ],
)
def test_an_unknown_mailing_is_not_started(invoke: Any, payload: Any, answer: Any) -> None:
    assert invoke("start_mailing", payload) == answer


@pytest.mark.parametrize("name", ["start_mailing", "manage_tokens", "manage_users", "start_import"])
@pytest.mark.parametrize("payload", [{}, [], None, 12, {"mailng": 12}, {"make": 1}, {"import": "7"}])
def test_an_invalid_payload_is_answered_with_what_is_expected(invoke: Any, name: str, payload: Any) -> None:
    answer = invoke(name, payload)
    assert list(answer) == ["detail"]
    assert answer["detail"].endswith("is expected.")


@pytest.mark.parametrize("name", ["manage_tokens", "manage_users"])
def test_the_answer_to_a_wrong_payload_names_every_role(invoke: Any, name: str) -> None:
    assert all(f'"{role}"' in invoke(name, {})["detail"] for role in ROLES)


@pytest.mark.parametrize(
    "payload",
    [
        {"mailing": "12"},
        {"mailing": None},
        {"mailing": 12, "opens": 1795500000},
        {"mailing": 12, "opens_at": "soon"},
        {"mailing": 12, "opens_at": 10**15},
        {"opens_at": 1795500000},
    ],
)
def test_an_incomplete_payload_starts_nothing(invoke: Any, payload: Any) -> None:
    assert list(invoke("start_mailing", payload)) == ["detail"]


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("manage_tokens", {"make": "anna", "rol": "admin"}),
        ("manage_tokens", {"revoke": "f3a5", "make": None}),
        ("manage_users", {"make": "anna", "rol": "admin"}),
        ("manage_users", {"remove": "anna", "role": "read"}),
        ("start_import", {"key": "clients.csv", "name": "clients.csv"}),
        ("start_import", {"key": "clients.csv", "dry_run": "true"}),
        ("start_import", {"key": "clients.csv", "kind": ["stop_list"]}),
        ("start_import", {"import": 7, "refuse": 20}),
        ("start_import", {"import": 7, "refused": 1001}),
        ("start_import", {"import": 7, "refused": 0}),
        ("start_mailing", {"mailing": 7, "opens_at": 0}),
    ],
)
def test_a_misspelt_name_is_refused(invoke: Any, name: str, payload: Any) -> None:
    assert list(invoke(name, payload)) == ["detail"]
    assert invoke(name, payload)["detail"].endswith("is expected.")


def test_users_made_and_removed_by_hand_are_in_the_audit(invoke: Any, services: Services) -> None:
    assert list(invoke("manage_users", {"make": "boris", "role": "read"})) == ["password"]
    assert invoke("manage_users", {"remove": "boris"}) == {"removed": True}
    found, _ = list_records(services, None, 10)
    assert [(record.who, record.what, record.id, record.action) for record in found] == [
        ("manage_users", "user", "boris", "removed"),
        ("manage_users", "user", "boris", "made"),
    ]


def test_the_audit_names_the_person_who_invokes_a_function(invoke: Any, services: Services) -> None:
    token = invoke("manage_tokens", {"make": "shop", "by": "anna"})["token"]
    assert invoke("manage_tokens", {"revoke": token, "by": "boris"}) == {"revoked": True}
    assert list(invoke("manage_users", {"make": "clara", "by": "anna@example.com"})) == ["password"]
    assert invoke("manage_users", {"remove": "clara", "by": "anna"}) == {"removed": True}
    found, _ = list_records(services, None, 10)
    assert [record.who for record in found] == [
        "manage_users (anna)",
        "manage_users (anna@example.com)",
        "manage_tokens (boris)",
        "manage_tokens (anna)",
    ]


@pytest.mark.parametrize("person", ["", "anna smith", "x" * 65, "анна", 7, ["anna"]])
def test_a_person_is_named_as_users_are(invoke: Any, services: Services, person: Any) -> None:
    for name, payload in (("manage_tokens", {"make": "shop"}), ("manage_users", {"make": "clara"})):
        assert list(invoke(name, {**payload, "by": person})) == ["by"]
    assert list_records(services, None, 10)[0] == []


def test_names_that_the_audit_could_not_tell_apart_are_refused(invoke: Any) -> None:
    assert list(invoke("manage_tokens", {"make": "shop\u202e"})) == ["name"]
    assert list(invoke("manage_tokens", {"make": "manage_users"})) == ["name"]
    assert list(invoke("manage_tokens", {"make": "boris"})) == ["token"]
    assert list(invoke("manage_users", {"make": "boris"})) == ["name"]
    assert invoke("manage_users", {"remove": ""}) == {"detail": "There is no such user."}


def test_an_id_that_no_import_has_is_not_found(invoke: Any) -> None:
    assert invoke("start_import", {"import": 0}) == invoke("start_import", {"import": 7}) == {"detail": "Not found."}
