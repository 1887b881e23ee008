from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.adapters import aws
from chalicelib.clients.registry import opt_out_client, register_client
from chalicelib.domain.audience import Partition
from chalicelib.domain.audit_record import Author
from chalicelib.domain.client import MAX_CLIENT_ID, Client
from chalicelib.domain.client_search import AttributeText, ClientFilter
from chalicelib.domain.filter import AudienceMember, Filter
from chalicelib.domain.phone_part import PhonePart
from chalicelib.errors import PhoneTaken, RowChanged
from chalicelib.mailings.audience import count_audience, group_audience
from infra.local.doubles.aws import make_services

ANNA = Client(1, "79770000001", "друзья", "Europe/Moscow")
BORIS = Client(2, "79210000002")
SINCE = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
STOPPED = replace(ANNA, opted_out_at=SINCE)


def test_a_client_is_read_as_it_was_added(services: Any) -> None:
    services.clients.add(ANNA)
    services.clients.add(BORIS)
    assert services.clients.get(1) == ANNA
    assert services.clients.get(2) == BORIS
    assert services.clients.get(3) is None
    assert services.clients.get_many([1, 2, 3]) == {1: ANNA, 2: BORIS}
    assert services.clients.find_by_phone("79210000002") == BORIS
    assert services.clients.find_by_phone("79210000003") is None


def test_a_client_that_gets_another_number_while_it_is_looked_for_is_not_found_by_the_former_one() -> None:
    """Otherwise an erasure by the former number would erase the client with its new one."""
    reads: list[str] = []
    with mock_aws():
        clients = make_services().clients
        clients.add(ANNA)

        def change_between_the_reads(**_: Any) -> None:
            reads.append("GetItem")
            if len(reads) == 2:
                clients.change(ANNA, replace(ANNA, phone_number="79770000009"))

        events = aws.client("dynamodb").meta.events
        events.register("before-call.dynamodb.GetItem", change_between_the_reads)
        try:
            assert clients.find_by_phone(ANNA.phone_number) is None
        finally:
            events.unregister("before-call.dynamodb.GetItem", change_between_the_reads)


def test_a_phone_number_belongs_to_one_client(services: Any) -> None:
    services.clients.add(ANNA)
    with pytest.raises(PhoneTaken):
        services.clients.add(replace(BORIS, phone_number=ANNA.phone_number))
    assert services.clients.get(2) is None
    services.clients.add(BORIS)
    with pytest.raises(PhoneTaken):
        services.clients.change(BORIS, replace(BORIS, phone_number=ANNA.phone_number))
    assert services.clients.get(2) == BORIS


def test_an_id_is_not_given_twice(services: Any) -> None:
    services.clients.add(ANNA)
    with pytest.raises(RowChanged):
        services.clients.add(Client(1, "79770000009"))


def test_a_phone_number_freed_by_a_change_or_a_deletion_can_be_used_at_once(services: Any) -> None:
    services.clients.add(ANNA)
    moved = replace(ANNA, phone_number="79770000009")
    services.clients.change(ANNA, moved)
    services.clients.add(replace(BORIS, phone_number=ANNA.phone_number))
    services.clients.remove(moved)
    services.clients.add(Client(3, "79770000009"))
    assert services.clients.find_by_phone("79770000009") == Client(3, "79770000009")


@pytest.mark.parametrize(
    "field",
    [{"tag": "x"}, {"tag": None}, {"timezone": "UTC"}, {"phone_number": "79770000005"}, {"opted_out_at": SINCE}],
)
def test_a_change_of_a_stale_client_is_refused(services: Any, field: dict[str, Any]) -> None:
    services.clients.add(ANNA)
    services.clients.change(ANNA, replace(ANNA, **field))
    for late in (replace(ANNA, tag="late"), replace(ANNA, phone_number="79770000008")):
        with pytest.raises(RowChanged):
            services.clients.change(ANNA, late)
    with pytest.raises(RowChanged):
        services.clients.remove(ANNA)
    assert services.clients.get(1) == replace(ANNA, **field)


def test_attributes_are_stored_and_a_change_of_stale_attributes_is_refused(services: Any) -> None:
    own = replace(ANNA, attributes={"имя": "Анна", "город": 'Омск "X"'})
    services.clients.add(ANNA)
    services.clients.change(ANNA, own)
    assert services.clients.get(1) == own
    assert services.clients.read(Partition("tag", "друзья#0"), 0, MAX_CLIENT_ID, 9) == [own]
    for late in (ANNA, replace(own, attributes={"имя": "Анна"})):
        with pytest.raises(RowChanged):
            services.clients.change(late, replace(late, tag="late"))
    services.clients.change(replace(own, attributes=dict(reversed(own.attributes.items()))), ANNA)
    assert services.clients.get(1) == ANNA


def test_a_stop_is_stored_with_the_client_and_with_the_phone_number(services: Any) -> None:
    services.clients.add(ANNA)
    assert services.clients.stop_of(ANNA.phone_number) is None
    services.clients.change(ANNA, STOPPED)
    assert services.clients.get(1) == STOPPED
    assert services.clients.stop_of(ANNA.phone_number) == SINCE
    services.clients.change(STOPPED, ANNA)
    assert services.clients.get(1) == ANNA
    assert services.clients.stop_of(ANNA.phone_number) is None


@pytest.mark.parametrize("leaves", ["by a deletion", "by a change"])
def test_a_free_phone_number_keeps_its_stop(services: Any, leaves: str) -> None:
    services.clients.add(STOPPED)
    if leaves == "by a deletion":
        services.clients.remove(STOPPED)
    else:
        services.clients.change(STOPPED, replace(STOPPED, phone_number="79770000009"))
        assert services.clients.stop_of("79770000009") == SINCE
    assert services.clients.find_by_phone(ANNA.phone_number) is None
    assert services.clients.find_many([ANNA.phone_number]) == ({}, {ANNA.phone_number: SINCE})
    twin = replace(ANNA, id=3)
    with pytest.raises(PhoneTaken):
        services.clients.add(twin)
    with pytest.raises(RowChanged):
        services.clients.add_many([twin])
    services.clients.add(BORIS)
    with pytest.raises(PhoneTaken):
        services.clients.change(BORIS, replace(BORIS, phone_number=ANNA.phone_number))
    services.clients.add_many([replace(STOPPED, id=3)])
    assert services.clients.find_by_phone(ANNA.phone_number) == replace(STOPPED, id=3)
    services.clients.change(replace(STOPPED, id=3), twin)
    services.clients.remove(twin)
    services.clients.change(BORIS, replace(BORIS, phone_number=ANNA.phone_number))
    assert services.clients.stop_of(ANNA.phone_number) is None


def test_a_stopped_client_cannot_take_the_phone_number_of_another(services: Any) -> None:
    services.clients.add(STOPPED)
    services.clients.add(BORIS)
    with pytest.raises(PhoneTaken):
        services.clients.change(STOPPED, replace(STOPPED, phone_number=BORIS.phone_number))
    with pytest.raises(PhoneTaken):
        services.clients.add(replace(STOPPED, id=3))
    assert services.clients.get(1) == STOPPED
    assert services.clients.find_by_phone(BORIS.phone_number) == BORIS


def test_clients_are_changed_together_with_their_records_or_not_at_all(services: Any) -> None:
    services.clients.add_many([ANNA, BORIS])
    record = Author("anna", SINCE, 0.5).record("client", 1, {"a": 1}, {"a": 2})
    changes = [(ANNA, STOPPED), (BORIS, replace(BORIS, tag="new"))]
    moved = replace(BORIS, timezone="Asia/Omsk")
    services.clients.change(BORIS, moved)
    with pytest.raises(RowChanged):
        services.clients.change_many(changes, [record])
    assert services.clients.get_many([1, 2]) == {1: ANNA, 2: moved}
    services.clients.change(moved, BORIS)
    services.clients.change_many(changes, [record])
    assert services.clients.get_many([1, 2]) == {1: STOPPED, 2: replace(BORIS, tag="new")}
    assert services.clients.find_by_phone(ANNA.phone_number) == STOPPED
    services.clients.remove(STOPPED)
    assert services.clients.stop_of(ANNA.phone_number) == SINCE


def test_a_change_of_a_deleted_client_does_not_restore_it(services: Any) -> None:
    services.clients.add(ANNA)
    services.clients.remove(ANNA)
    with pytest.raises(RowChanged):
        services.clients.change(ANNA, replace(ANNA, tag="x"))
    with pytest.raises(RowChanged):
        services.clients.change(ANNA, replace(ANNA, phone_number="79770000008"))
    assert services.clients.find_by_phone("79770000008") is None


def test_partitions_are_read_in_the_order_of_ids_and_in_pages(services: Any) -> None:
    for client_id in (1002, 3, 999, 1000, 7):
        services.clients.add(Client(client_id, f"7977{client_id:07d}", "a" if client_id % 2 else "b"))

    def ids(partition: Partition, after: int = 0, through: int = MAX_CLIENT_ID, limit: int = 10) -> list[int]:
        return [client.id for client in services.clients.read(partition, after, through, limit)]

    assert ids(Partition("block", 0)) == [3, 7, 999]
    assert ids(Partition("block", 1)) == [1000, 1002]
    assert ids(Partition("block", 0), after=3, limit=1) == [7]
    assert ids(Partition("block", 0), after=3, through=998) == [7]
    assert ids(Partition("block", 0), after=7, through=7) == []
    assert ids(Partition("tag", "a#0")) == [3, 7, 999]
    assert ids(Partition("tag", "b#1")) == [1000, 1002]
    assert ids(Partition("operator_code", "977#1")) == [1000, 1002]
    assert ids(Partition("operator_code", "978#1")) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ClientFilter(phone=PhonePart("7977")), [1, 2]),
        (ClientFilter(phone=PhonePart("01", is_end=True)), [1, 3]),
        (ClientFilter(attribute=AttributeText("омск")), [2]),
        (ClientFilter(is_opted_out=True, operator_code="921"), [3]),
        (ClientFilter(is_opted_out=False, tag="a"), [1]),
    ],
)
def test_a_search_finds_the_wanted_clients_of_a_partition(
    services: Any, wanted: ClientFilter, found: list[int]
) -> None:
    services.clients.add(Client(1, "79770000001", "a"))
    services.clients.add(Client(2, "79770000102", attributes={"город": "Омск"}))
    services.clients.add(Client(3, "79210000001", "a", opted_out_at=datetime(2030, 1, 1, tzinfo=UTC)))
    clients, last_read = services.clients.find(Partition("block", 0), 0, 1000, wanted)
    assert ([client.id for client in clients if wanted.keeps(client)], last_read) == (found, None)
    in_a = services.clients.find(Partition("tag", "a#0"), 0, 2, wanted)
    assert [client.id for client in in_a[0] if wanted.keeps(client)] == [one for one in found if one == 1]


def test_a_fan_out_reads_the_chosen_fields_of_clients(services: Any) -> None:
    services.clients.add(replace(ANNA, timezone="Asia/Omsk", attributes={"имя": "Анна"}, registered_at=SINCE))
    services.clients.add(BORIS)
    block, index = Partition("block", 0), Partition("tag", "друзья#0")
    only_ids = [AudienceMember(1), AudienceMember(2)]
    assert services.clients.read_members(block, 0, MAX_CLIENT_ID, 9, []) == only_ids
    assert services.clients.read_members(block, 0, MAX_CLIENT_ID, 1, []) == only_ids[:1]
    assert services.clients.read_members(block, 0, 1, 9, []) == only_ids[:1]
    assert services.clients.read_members(block, 1, 1, 9, []) == []
    [member] = services.clients.read_members(index, 0, 1, 9, ["phone_number", "tag", "timezone"])
    assert member == AudienceMember(1, ANNA.phone_number, ANNA.tag, "Asia/Omsk")
    assert member.operator_code == ANNA.operator_code
    [member] = services.clients.read_members(block, 0, 1, 9, ["attributes", "registered_at"], must_be_current=False)
    assert member == AudienceMember(1, attributes={"имя": "Анна"}, registered_at=SINCE)
    [_, boris] = services.clients.read_members(block, 0, MAX_CLIENT_ID, 9, ["tag", "timezone"])
    assert boris == AudienceMember(2, "", BORIS.tag, BORIS.timezone)


def test_a_changed_client_moves_in_the_indexes(services: Any) -> None:
    services.clients.add(ANNA)
    services.clients.change(ANNA, replace(ANNA, tag=None, phone_number="79210000001"))
    assert services.clients.read(Partition("tag", "друзья#0"), 0, MAX_CLIENT_ID, 9) == []
    assert services.clients.read(Partition("operator_code", "977#0"), 0, MAX_CLIENT_ID, 9) == []
    assert len(services.clients.read(Partition("operator_code", "921#0"), 0, MAX_CLIENT_ID, 9)) == 1


def test_one_of_many_simultaneous_clients_gets_the_phone_number(services: Any) -> None:
    def try_to_add(client_id: int) -> bool:
        try:
            services.clients.add(Client(client_id, "79770000001"))
        except (PhoneTaken, RowChanged):
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(try_to_add, range(1, 9))) == 1


@pytest.mark.parametrize(
    ("chosen", "number"),
    [
        (Filter(), 6),
        (Filter(tags=("vip",)), 3),
        (Filter(operator_codes=("921",)), 2),
        (Filter(tags=("vip", "new"), operator_codes=("977",)), 3),
        (Filter(tags=("absent",)), 0),
        (Filter(tags=("vip", *(f"tag {number}" for number in range(200)))), 3),
        (Filter(tags=("vip", "new"), operator_codes=tuple(str(code) for code in range(900, 1000))), 4),
    ],
)
def test_an_audience_is_counted_as_a_mailing_would_choose_it(services: Any, chosen: Filter, number: int) -> None:
    phones = ["79770000001", "79770000002", "79770000003", "79210000001", "79210000002", "79000000001"]
    tags = ["vip", "vip", "new", "vip", None, None]
    for phone, tag in zip(phones, tags, strict=True):
        register_client(services, {"phone_number": phone, "tag": tag})
    opt_out_client(services, register_client(services, {"phone_number": "79770000009", "tag": "vip"}).id)
    assert count_audience(services, chosen) == (number, True), "opted-out clients are not counted"


def test_an_audience_is_grouped_by_time_zone_and_operator_code(services: Any) -> None:
    for number, zone in enumerate(["Europe/Moscow", "UTC", "Europe/Moscow"]):
        register_client(services, {"phone_number": f"7977000000{number}", "timezone": zone, "tag": "vip"})
    register_client(services, {"phone_number": "79210000001", "tag": "vip"})
    opt_out_client(services, register_client(services, {"phone_number": "79770000009", "tag": "vip"}).id)
    found = group_audience(services, Filter(tags=("vip",)))
    assert (found.clients, found.is_whole, found.is_sampled) == (4, True, False)
    assert found.by_timezone == {"Europe/Moscow": 2, "UTC": 2}
    assert found.by_operator_code == {"977": 3, "921": 1}


MANY_TAGS = ("vip", *(f"tag {number}" for number in range(200)))


@pytest.mark.parametrize("chosen", [Filter(tags=("vip",)), Filter(tags=MANY_TAGS)])
@pytest.mark.parametrize("partition", [Partition("block", 0), Partition("operator_code", "977#0")])
@pytest.mark.parametrize(("limit", "number", "is_last"), [(9, 3, True), (5, 3, True), (4, 3, False), (2, 1, False)])
def test_groups_leave_out_other_tags_and_opted_out_clients(
    services: Any, chosen: Filter, partition: Partition, limit: int, number: int, is_last: bool
) -> None:
    opt_out_client(services, register_client(services, {"phone_number": "79770000001", "tag": "vip"}).id)
    for phone, tag in [("79770000002", "vip"), ("79770000003", "vip"), ("79770000004", "vip")]:
        register_client(services, {"phone_number": phone, "tag": tag, "timezone": "Asia/Omsk"})
    register_client(services, {"phone_number": "79770000005", "tag": "new"})
    found, is_end = services.clients.groups(chosen, (partition, 1, 4 if limit == 5 else 9), limit)
    assert found == {("Asia/Omsk", "977"): number}
    assert is_end == is_last


@pytest.mark.parametrize("tags", [(), ("vip",), MANY_TAGS])
def test_counts_and_groups_can_be_of_clients_with_a_consent_that_is_not_withdrawn(
    services: Any, tags: tuple[str, ...]
) -> None:
    later = SINCE + timedelta(microseconds=1)
    for number, (given, withdrawn) in enumerate(
        [(SINCE, None), (None, None), (None, SINCE), (SINCE, SINCE), (SINCE, later), (later, SINCE)]
    ):
        own = {"consent_at": given, "consent_withdrawn_at": withdrawn}
        register_client(services, {"phone_number": f"7977000000{number}", "tag": "vip", **own})
    opt_out_client(services, register_client(services, {"phone_number": "79770000009", "consent_at": SINCE}).id)
    chosen = Filter(tags=tags, needs_consent=True)
    assert count_audience(services, chosen) == (2, True)
    assert group_audience(services, chosen).groups == {("UTC", "977"): 2}


def test_without_clients_the_count_is_zero(services: Any) -> None:
    assert count_audience(services, Filter(tags=("vip",))) == (0, True)
