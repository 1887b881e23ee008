"""What an operator can check before a mailing is announced."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.clients.registry import delete_client, opt_out_client, register_client
from chalicelib.domain.audience import Group, Read
from chalicelib.domain.audit_record import Author
from chalicelib.domain.client import LABEL_SHARDS, Client
from chalicelib.domain.filter import Filter
from chalicelib.errors import BadInput
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.audience import (
    COUNT_TIME_LIMIT,
    GROUPS_TIME_LIMIT,
    SAMPLE,
    count_audience,
    group_audience,
    sample_in_words,
)
from chalicelib.mailings.preview import SAMPLE as PREVIEWED
from chalicelib.mailings.preview import preview_mailing
from chalicelib.mailings.test_message import send_test_message
from infra.local.doubles.fake_access import FakeAudit
from infra.local.doubles.fake_clients import FakeClients
from infra.local.doubles.fakes import FakeServices


def author(services: FakeServices) -> Author:
    return Author("anna", services.clock.now(), 0.5)


def test_the_parts_of_all_texts_are_added() -> None:
    services = FakeServices()
    for number in range(3):
        register_client(services, {"phone_number": f"7977000000{number}"})
    preview = preview_mailing(services, Filter(), "я" * 71)
    assert (preview.clients, preview.parts) == (3, 6)
    assert preview_mailing(services, Filter(), "").parts == 0


def with_names(number: int) -> FakeServices:
    services = FakeServices()
    for index in range(number):
        own = {"имя": "я" * (index + 1)} if index else {}
        register_client(services, {"phone_number": f"797700000{index:02d}", "attributes": own})
    return services


def test_texts_with_placeholders_are_shown_and_measured_as_they_would_be_sent() -> None:
    services = with_names(10)
    opt_out_client(services, 1)
    preview = preview_mailing(services, Filter(), "{phone_number}" + "ж" * 54 + "{имя|друг}")
    assert [example.text[-9:] for example in preview.examples] == ["жжжжжжжяя", "яяяяяяяяяя"[:9], "ж" * 6 + "яяя"]
    assert preview.examples[0].text.startswith("7977*****01")
    assert preview.length is not None
    assert (preview.length.units, preview.length.parts) == (75, 2)
    assert [example.length.parts for example in preview.examples] == [1, 2, 1]
    assert (preview.clients, preview.parts) == (9, 4 * 1 + 5 * 2)


def test_a_placeholder_without_a_default_is_named_with_the_clients_of_the_sample_that_lack_its_value() -> None:
    services = FakeServices()
    for index in range(PREVIEWED + 2):
        own = {} if index % 5 == 0 else {"имя": "Аня"}
        register_client(services, {"phone_number": f"79770000{index:03d}", "attributes": own})
    (warning,) = preview_mailing(services, Filter(), "Здравствуйте, {имя}!").warnings
    assert str(warning) == (
        "Of the first 100 of 102 clients, 20 have no “имя”: their text has nothing in its place. "
        "A text for them, for example: {имя|friend}."
    )
    assert warning.in_language("ru") == (
        "Из первых 100 клиентов (всего их 102) у 20 нет значения «имя»: в тексте на его месте будет пусто. "
        "Текст для них можно задать, например: {имя|друг}."
    )
    assert preview_mailing(services, Filter(), "Здравствуйте, {имя|друг}!").warnings == ()


def test_a_sample_of_all_clients_and_one_of_an_audience_that_is_not_whole_say_so() -> None:
    services = with_names(3)
    (warning,) = preview_mailing(services, Filter(), "{имя}").warnings
    assert str(warning).startswith("Of 3 clients, 1 has no “имя”: ")
    assert warning.in_language("ru").startswith("Из 3 клиентов у 1 нет значения «имя»: ")
    assert str(sample_in_words(3, 3, is_whole=False)) == "Of the first 3 of at least 3 clients"
    assert str(sample_in_words(3, 2, is_whole=False)) == "Of the first 3 of at least 3 clients", "the count was stopped"


def test_the_count_of_clients_without_a_value_reads_nothing_further() -> None:
    services = with_names(3)
    reads, read = [], services.clients.read

    def counted(*arguments: Any) -> list[Client]:
        reads.append(arguments)
        return read(*arguments)

    services.clients.read = counted  # type: ignore[method-assign]
    for text in ("{имя|друг}", "{имя}"):
        preview_mailing(services, Filter(), text)
    assert reads[: len(reads) // 2] == reads[len(reads) // 2 :]


def test_a_preview_of_an_empty_audience_measures_the_text_unfilled() -> None:
    preview = preview_mailing(FakeServices(), Filter(), "{tag}")
    assert (preview.examples, preview.parts) == ((), 0)
    assert preview.length is not None


def test_a_preview_of_a_text_without_placeholders_reads_no_clients() -> None:
    services = with_names(2)
    services.clients.read = lambda *_: pytest.fail("clients must not be read")  # type: ignore[method-assign]
    services.clients.count = lambda *_: 1  # type: ignore[method-assign]
    assert preview_mailing(services, Filter(), "{ }").examples == ()


def test_an_unknown_placeholder_is_refused_before_clients_are_read() -> None:
    services = with_names(2)
    services.clients.read = lambda *_: pytest.fail("clients must not be read")  # type: ignore[method-assign]
    services.clients.count = lambda *_: pytest.fail("clients must not be counted")  # type: ignore[method-assign]
    with pytest.raises(BadInput):
        preview_mailing(services, Filter(), "{unknown}")


def test_a_test_message_is_filled_in_for_the_client_with_the_number_or_with_defaults() -> None:
    services = with_names(2)
    for phone in ("79770000001", "79990000000"):
        send_test_message(services, phone, "{имя|друг}", author(services))
    assert [post.text for post in services.gateway.posts] == ["яя", "друг"]
    recorded = {"phone_number": "7977*******", "message_text": "{имя|друг}"}
    assert services.audit.records[0].after == recorded, "neither the number nor the values of a client"
    for wrong in ("{нет}", "{имя}"):
        with pytest.raises(BadInput):
            send_test_message(services, "79990000000", wrong, author(services))


def test_an_audience_that_takes_long_to_count_is_a_lower_bound() -> None:
    services = FakeServices()
    services.counters.ids["client_id"] = 5_000

    def slow(*_: object) -> int:
        services.clock.time += COUNT_TIME_LIMIT / 2 + timedelta(milliseconds=1)
        return 1

    services.clients.count = slow  # type: ignore[method-assign]
    assert count_audience(services, Filter()) == (2, False)


def test_the_groups_of_a_large_audience_are_those_of_a_sample() -> None:
    services = FakeServices()
    for number in range(60_000):
        zone = "Asia/Omsk" if number % 3 == 0 else "UTC"
        phone = f"79{number % 2}{number:08d}"
        services.clients.rows[number + 1] = Client(number + 1, phone, timezone=zone)
    services.counters.ids["client_id"] = 60_000
    read = services.clients.read

    def slow(*arguments: Any) -> list[Client]:
        services.clock.time += GROUPS_TIME_LIMIT / 6
        return read(*arguments)

    services.clients.read = slow  # type: ignore[method-assign]
    services.clients.count = lambda _partition, _chosen, first, last: last - first + 1  # type: ignore[method-assign]
    found = group_audience(services, Filter())
    assert found.is_sampled
    assert sum(found.by_timezone.values()) == sum(found.by_operator_code.values()) == found.clients
    assert found.by_timezone["Asia/Omsk"] == pytest.approx(found.clients / 3, rel=0.02)


class CountedClients(FakeClients):
    """Counts the reads and the counts."""

    reads = counts = 0

    def groups(self, chosen: Filter, read: Read, limit: int) -> tuple[Counter[Group], bool]:
        self.reads += 1
        return super().groups(chosen, read, limit)

    def count(self, *_: object) -> int:
        self.counts += 1
        return 1000


class FullBlocks(CountedClients):
    """A thousand clients in each block."""

    def groups(self, *_: object) -> tuple[Counter[Group], bool]:
        self.reads += 1
        return Counter({("UTC", "900"): 1000}), True


def with_clients(clients: CountedClients, number: int, last_id: int) -> FakeServices:
    services = FakeServices()
    services.clients = clients
    for client_id in range(1, number + 1):
        clients.rows[client_id] = Client(client_id, f"790{client_id % 2}{client_id:07d}", tag="vip")
    services.counters.ids["client_id"] = last_id
    return services


@pytest.mark.parametrize("number", [0, 999, 5_000])
def test_a_small_audience_is_read_once_and_its_groups_are_exact(number: int) -> None:
    clients = CountedClients(FakeAudit())
    found = group_audience(with_clients(clients, number, last_id=number), Filter())
    assert (found.clients, found.is_whole, found.is_sampled) == (number, True, False)
    assert clients.reads == (number // 1000 + 1 if number else 0)
    assert clients.counts == 0


@pytest.mark.parametrize("last_id", [100_000, 1_000_000, 10_000_000])
def test_a_tag_takes_a_read_for_each_shard_however_many_other_clients_there_are(last_id: int) -> None:
    clients = CountedClients(FakeAudit())
    found = group_audience(with_clients(clients, 500, last_id), Filter(tags=("vip",)))
    assert (found.clients, found.is_sampled, found.by_operator_code) == (500, False, {"900": 250, "901": 250})
    assert (clients.reads, clients.counts) == (LABEL_SHARDS, 0)


@pytest.mark.parametrize("last_id", [40_000, 1_000_000, 10_000_000])
def test_a_sample_has_the_same_size_whatever_the_size_of_the_audience(last_id: int) -> None:
    clients = FullBlocks(FakeAudit())
    found = group_audience(with_clients(clients, 0, last_id), Filter())
    assert (found.clients, found.is_sampled) == (last_id + 1000, True)
    assert clients.reads * 1000 == SAMPLE
    assert clients.reads + clients.counts == last_id // 1000 + 1, "what was read to its end is not counted again"


def test_a_test_message_is_recorded_before_its_post_and_never_repeated() -> None:
    services = FakeServices()
    services.gateway.default_answer = Answer(503)
    outcome = send_test_message(services, "79770000001", "hello", author(services))
    assert not outcome.sent
    assert [(record.what, record.action) for record in services.audit.records] == [("test_message", "tried")]
    assert len(services.gateway.posts) == 1


def test_a_test_message_to_a_number_on_the_stop_list_is_refused() -> None:
    services = FakeServices()
    client = opt_out_client(services, register_client(services, {"phone_number": "79770000001"}).id)
    for _ in range(2):
        with pytest.raises(BadInput, match="on the stop list"):
            send_test_message(services, client.phone_number, "hello", author(services))
        if services.clients.rows:
            delete_client(services, client.id)
    assert services.gateway.posts == services.audit.records == []


def test_the_id_of_a_test_message_is_never_the_id_of_a_message() -> None:
    services = FakeServices()
    for _ in range(2):
        send_test_message(services, "79770000001", "hello", author(services))
    assert [post.message_id for post in services.gateway.posts] == [1, 2]
