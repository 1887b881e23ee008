"""Erasures, and the phone numbers that opted out before: the same on the fakes and on the real tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from chalicelib.domain.audit_record import AuditRecord, Author
from chalicelib.domain.client import Client
from chalicelib.domain.client_import import RefusedRow
from chalicelib.domain.erasure import Erasure, erasure_of_client, erasure_of_phone
from chalicelib.domain.message import Message, MessageKey
from chalicelib.domain.message_change import forgetting
from chalicelib.domain.phone_digest import phone_digest
from chalicelib.errors import PhoneErased, RowChanged
from chalicelib.texts import Text
from tests.message_changes import close

from .test_imports import ONE

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANNA = Client(1, "79770000001", "vip")
STOPPED = replace(ANNA, opted_out_at=NOW)
BORIS = Client(2, "79210000002")
JITTER = count(1)
ERROR = Text("gateway.message_refused", status=400)


def record() -> AuditRecord:
    """Records of one moment have different numbers."""
    return Author("anna", NOW, next(JITTER) / 1000).record("client", 1, None, None, "erased")


def digest(services: Any, client: Client) -> str:
    return phone_digest(services.phone_key.value(), client.phone_number)


def erase(services: Any, client: Client) -> Erasure:
    erasure = erasure_of_client(client.id, digest(services, client), NOW)
    services.erasures.erase_client(client, erasure, record())
    return erasure


def test_an_erased_client_is_gone_and_its_number_is_free(services: Any) -> None:
    services.clients.add(ANNA)
    erasure = erase(services, ANNA)
    assert services.clients.get(1) is None
    assert services.clients.stop_of(ANNA.phone_number) is None
    assert services.erasures.get("client#1") == erasure
    assert services.erasures.open() == [erasure]
    services.clients.add(replace(BORIS, phone_number=ANNA.phone_number))


def test_a_client_that_changed_meanwhile_is_not_erased(services: Any) -> None:
    services.clients.add(ANNA)
    with pytest.raises(RowChanged):
        erase(services, STOPPED)
    assert services.clients.get(1) == ANNA
    assert services.erasures.open() == []


def test_the_number_of_an_erased_client_that_opted_out_is_refused_until_it_is_readmitted(services: Any) -> None:
    services.clients.add(STOPPED)
    services.clients.add(BORIS)
    erase(services, STOPPED)
    again = Client(3, ANNA.phone_number)
    for client in (again, replace(again, opted_out_at=NOW)):
        with pytest.raises(PhoneErased):
            services.clients.add(client)
        with pytest.raises(RowChanged):
            services.clients.add_many([Client(4, "79210000004"), client])
    assert services.clients.get(4) is None, "all or none"
    with pytest.raises(PhoneErased):
        services.clients.change(BORIS, replace(BORIS, phone_number=ANNA.phone_number))
    assert services.clients.erased_among([ANNA.phone_number, BORIS.phone_number]) == {ANNA.phone_number}
    assert (services.clients.get(3), services.clients.get(2)) == (None, BORIS)
    services.erasures.readmit(digest(services, ANNA), record())
    services.clients.add(again)
    with pytest.raises(RowChanged):
        services.erasures.readmit(digest(services, ANNA), record())


def test_the_stop_of_a_number_without_a_client_is_replaced_by_its_digest(services: Any) -> None:
    services.clients.add(STOPPED)
    services.clients.remove(STOPPED)
    erasure = erasure_of_phone(digest(services, ANNA), NOW)
    with pytest.raises(RowChanged):
        services.erasures.erase_phone(ANNA.phone_number, None, erasure, record())
    services.erasures.erase_phone(ANNA.phone_number, NOW, erasure, record())
    assert services.clients.stop_of(ANNA.phone_number) is None
    assert services.clients.erased_among([ANNA.phone_number]) == {ANNA.phone_number}


def test_a_number_that_a_client_has_is_not_erased_without_the_client(services: Any) -> None:
    services.clients.add(ANNA)
    with pytest.raises(RowChanged):
        services.erasures.erase_phone(ANNA.phone_number, None, erasure_of_phone("0" * 64, NOW), record())
    assert services.clients.find_by_phone(ANNA.phone_number) == ANNA


def test_the_progress_of_an_erasure_is_kept_until_it_is_finished(services: Any) -> None:
    services.clients.add(ANNA)
    moved = replace(erase(services, ANNA), moved_at=NOW, mailings_below=7, imports_below=0, row=12)
    services.erasures.advance(moved)
    assert services.erasures.get("client#1") == moved
    services.erasures.finish(moved, record())
    for late in (lambda: services.erasures.advance(moved), lambda: services.erasures.finish(moved, record())):
        with pytest.raises(RowChanged):
            late()
    assert services.erasures.get("client#1") is None


def test_the_error_of_a_message_is_forgotten_unless_an_attempt_is_in_progress(services: Any) -> None:
    services.messages.add([Message(1, number, "queued", NOW) for number in (7, 8, 9)], NOW)
    failed, claimed, without = (MessageKey(1, number, 1) for number in (7, 8, 9))
    until = NOW + timedelta(minutes=1)
    close(services.messages, failed, "failed", ERROR)
    services.messages.end_claim(services.messages.claim(claimed, NOW, NOW), ERROR)
    services.messages.claim(claimed, NOW, until)
    read = services.messages.existing([failed, claimed, without])
    changes = {number: forgetting(message, NOW) for number, message in read.items()}
    assert (changes[8], changes[9]) == (None, None)
    assert services.messages.change_all([changes[7]]) == [True]
    later = forgetting(read[8], until)
    assert services.messages.change_all([later]) == [True]
    found = services.messages.existing([failed, claimed])
    assert [found[number].last_error for number in (7, 8)] == [None, None]
    assert [found[number].status for number in (7, 8)] == ["failed", "queued"]


def test_a_refused_row_loses_its_cells_and_an_absent_one_is_not_made(services: Any) -> None:
    services.imports.add(ONE)
    services.imports.add_refused(ONE, [RefusedRow(3, {"phone_number": "79774053329"}, {"tag": [ERROR]})])
    for number in (3, 4):
        erased = RefusedRow(number, {"phone_number": "***"}, {"non_field_errors": [Text("import.row_erased")]})
        services.imports.erase_refused(ONE.id, erased)
    assert services.imports.refused(ONE.id, 0, 9) == [replace(erased, number=3)]
