from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.condition_rules import condition as rule
from chalicelib.domain.client import Client
from chalicelib.domain.condition import (
    Condition,
    Group,
    Leaf,
    Not,
    Received,
    decide,
    leaves,
    named_mailings,
    necessary,
    needed_fields,
    read_day,
    read_number,
)
from chalicelib.domain.condition_json import as_json, from_json
from chalicelib.domain.condition_text import describe
from chalicelib.domain.filter import AudienceMember, Filter, member_fields
from chalicelib.errors import WrongParts

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
ANNA = Client(
    1,
    "79770000001",
    tag="vip",
    timezone="Asia/Omsk",
    attributes={"город": "Омск", "возраст": "42", "карта": "2026-03-01", "рождение": "31.12.1983", "счёт": "1500,50"},
    registered_at=JANUARY,
)
BARE = Client(2, "79210000002", opted_out_at=JANUARY)


def read(sent: object) -> Condition:
    found = rule.read(sent)
    assert isinstance(found, (Group, Not, Leaf, Received))
    return found


@pytest.mark.parametrize(
    ("sent", "of_anna", "of_bare"),
    [
        ({"field": "tag", "is": "vip"}, True, False),
        ({"field": "tag", "in": ["new", "vip"]}, True, False),
        ({"field": "tag", "starts_with": "v"}, True, False),
        ({"field": "tag", "present": True}, True, False),
        ({"field": "tag", "present": False}, False, True),
        ({"field": "operator_code", "is": "921"}, False, True),
        ({"field": "operator_code", "starts_with": "97"}, True, False),
        ({"field": "timezone", "starts_with": "Asia/"}, True, False),
        ({"field": "timezone", "is": "UTC"}, False, True),
        ({"field": "attributes.город", "is": "Омск"}, True, False),
        ({"field": "attributes.город", "present": False}, False, True),
        ({"field": "attributes.возраст", "at_least": 42}, True, False),
        ({"field": "attributes.возраст", "more_than": 42}, False, False),
        ({"field": "attributes.возраст", "at_most": "42"}, True, False),
        ({"field": "attributes.возраст", "less_than": 42.5}, True, False),
        ({"field": "attributes.счёт", "more_than": "1500,499"}, True, False),
        ({"field": "attributes.город", "less_than": 10}, False, False),
        ({"field": "attributes.карта", "since": "2026-03-01"}, True, False),
        ({"field": "attributes.рождение", "before": "1984-01-01"}, True, False),
        ({"field": "attributes.город", "before": "2030-01-01"}, False, False),
        ({"field": "registered_at", "since": "2026-01-01"}, True, False),
        ({"field": "registered_at", "before": "2026-01-01"}, False, False),
        ({"field": "registered_at", "present": False}, False, True),
        ({"field": "opted_in", "is": True}, True, False),
        ({"field": "opted_in", "is": False}, False, True),
        ({"not": {"field": "registered_at", "before": "2026-01-01"}}, True, True),
        ({"all": [{"field": "tag", "is": "vip"}, {"field": "operator_code", "is": "977"}]}, True, False),
        ({"any": [{"field": "tag", "is": "vip"}, {"field": "operator_code", "is": "921"}]}, True, True),
    ],
)
def test_a_condition_compares_a_field_of_the_client(sent: object, of_anna: bool, of_bare: bool) -> None:
    condition = read(sent)
    assert decide(condition, ANNA, ()) is of_anna
    assert decide(condition, BARE, ()) is of_bare
    assert decide(from_json(as_json(condition)), ANNA, ()) is of_anna


def test_a_decomposed_value_of_an_earlier_version_equals_the_composed_one() -> None:
    assert decide(read({"field": "tag", "is": "й"}), replace(ANNA, tag="и\u0306"), ())


def test_a_decision_waits_for_the_recipients_only_if_it_depends_on_them() -> None:
    condition = read({"all": [{"field": "tag", "is": "vip"}, {"not_received": 7}]})
    assert decide(condition, BARE, None) is False, "the tag decides"
    assert decide(condition, ANNA, None) is None
    assert decide(condition, ANNA, {7}) is False
    assert decide(condition, ANNA, {8}) is True
    either = read({"any": [{"received": 7}, {"field": "tag", "is": "vip"}]})
    assert (decide(either, ANNA, None), decide(either, BARE, None)) == (True, None)
    assert decide(read({"not": {"received": 7}}), ANNA, None) is None


texts = st.sampled_from(["a", "b", "c"])
leaf = st.one_of(
    st.builds(Leaf, st.just("tag"), st.just("is"), texts),
    st.builds(Leaf, st.just("tag"), st.just("in"), st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple)),
    st.builds(Leaf, st.just("tag"), st.just("present"), st.booleans()),
    st.builds(Leaf, st.just("operator_code"), st.just("is"), st.sampled_from(["977", "921"])),
    st.builds(Leaf, st.just("attributes.x"), st.just("at_least"), st.integers(0, 9).map(Decimal)),
    st.builds(Leaf, st.just("registered_at"), st.just("since"), st.just(JANUARY)),
    st.builds(Received, st.integers(1, 3), st.booleans()),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    leaf,
    lambda part: st.one_of(
        st.builds(Not, part),
        st.builds(Group, st.sampled_from(["all", "any"]), st.lists(part, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)
members = st.builds(
    AudienceMember,
    id=st.integers(1, 100),
    phone_number=st.sampled_from(["79770000001", "79210000001"]),
    tag=st.none() | texts,
    attributes=st.just({}) | st.builds(lambda number: {"x": str(number)}, st.integers(0, 9)),
    registered_at=st.none() | st.just(JANUARY),
)


@given(conditions, members, st.frozensets(st.integers(1, 3)))
def test_what_an_index_serves_has_every_chosen_client(
    condition: Condition, member: AudienceMember, received: frozenset[int]
) -> None:
    chosen = Filter(condition=condition)
    if chosen.chooses(member, received):
        tags, codes = necessary(condition, "tag"), necessary(condition, "operator_code")
        assert tags is None or member.tag in tags
        assert codes is None or member.operator_code in codes
        assert chosen.by_index is not None
        assert chosen.by_index.chooses(member)


@given(conditions, members, st.frozensets(st.integers(1, 3)))
def test_an_early_decision_is_the_later_one(
    condition: Condition, member: AudienceMember, received: frozenset[int]
) -> None:
    early = decide(condition, member, None)
    assert early in (None, decide(condition, member, received))


@given(conditions, members, st.frozensets(st.integers(1, 3)))
def test_the_fields_that_are_read_decide(
    condition: Condition, member: AudienceMember, received: frozenset[int]
) -> None:
    fields = member_fields(Filter(condition=condition), has_local_hours=False)
    read_only = AudienceMember(member.id, **{name: getattr(member, name) for name in fields})
    assert decide(condition, read_only, received) == decide(condition, member, received)


@given(conditions)
def test_a_condition_is_the_same_after_it_was_stored(condition: Condition) -> None:
    assert from_json(as_json(condition)) == condition
    assert str(describe(condition))
    assert describe(condition).in_language("ru")
    assert {place for place, _ in leaves(condition)}
    assert set(named_mailings(condition)) <= {1, 2, 3}
    assert needed_fields(condition) <= {"tag", "phone_number", "attributes", "registered_at"}


@pytest.mark.parametrize(
    ("sent", "english", "russian"),
    [
        ({"field": "tag", "is": "vip"}, "the tag is “vip”", "тег совпадает с «vip»"),
        (
            {"all": [{"field": "tag", "in": ["a", "b"]}, {"not": {"field": "operator_code", "is": "977"}}]},
            "the tag is one of: a, b and the operator code is not “977”",
            "тег — из списка: a, b и код оператора не совпадает с «977»",
        ),
        (
            {"any": [{"received": 7}, {"all": [{"field": "opted_in", "is": True}, {"not_received": 8}]}]},
            "the client received mailing 7 or (the client is not on the stop list and the client did not receive"
            " mailing 8)",
            "клиент получил рассылку 7 или (клиента нет в стоп-листе и клиент не получил рассылку 8)",
        ),
        (
            {"not": {"field": "attributes.возраст", "less_than": 18}},
            "it is not true that (the attribute “возраст” is less than 18)",
            "неверно, что (атрибут «возраст» меньше 18)",
        ),
        (
            {"field": "registered_at", "since": "2026-01-01"},
            "the registration date is 2026-01-01 or later",
            "дата регистрации не раньше 2026-01-01",
        ),
        (
            {"not": {"not": {"field": "registered_at", "before": "2026-01-01T10:00+03:00"}}},
            "the registration date is before 2026-01-01 07:00:00 UTC",
            "дата регистрации раньше 2026-01-01 07:00:00 UTC",
        ),
        ({"not": {"field": "tag", "present": True}}, "the tag is not given", "тег: нет значения"),
        (
            {"field": "tag", "in": [str(number) for number in range(12)]},
            "the tag is one of: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more",
            "тег — из списка: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 и ещё 2",
        ),
    ],
)
def test_a_condition_is_a_sentence_in_both_languages(sent: object, english: str, russian: str) -> None:
    sentence = describe(read(sent))
    assert (str(sentence), sentence.in_language("ru")) == (english, russian)


LEAF = {"field": "tag", "is": "vip"}


@pytest.mark.parametrize(
    ("sent", "places"),
    [
        ("{", {""}),
        ('{"field": "tag", "field": "tag", "is": "a"}', {""}),
        ([], {""}),
        (7, {""}),
        ({}, {""}),
        ({"all": []}, {"all"}),
        ({"all": LEAF}, {"all"}),
        ({"all": [LEAF], "any": [LEAF]}, {""}),
        ({"all": [LEAF], "of": 1}, {"of"}),
        ({"all": [LEAF, {"field": "tga", "is": "vip"}, {"field": "tag", "is": 7}]}, {"all.1.field", "all.2.is"}),
        ({"any": [{"not": {"received": "7"}}, {"received": 0}]}, {"any.0.not.received", "any.1.received"}),
        ({"received": True}, {"received"}),
        ({"received": 922_337_203}, {"received"}),
        ({"field": "tag"}, {""}),
        ({"field": "tag", "is": "a", "in": ["b"]}, {""}),
        ({"field": "tag", "at_least": 3}, {"at_least"}),
        ({"field": "tag", "in": []}, {"in"}),
        ({"field": "tag", "in": ["a", ""]}, {"in"}),
        ({"field": "tag", "is": "a" * 256}, {"is"}),
        ({"field": "operator_code", "in": ["97"]}, {"in"}),
        ({"field": "operator_code", "present": True}, {"present"}),
        ({"field": "timezone", "is": "Omsk"}, {"is"}),
        ({"field": "attributes.", "is": "a"}, {"field"}),
        ({"field": "attributes.tag", "is": "a"}, {"field"}),
        ({"field": ["tag"], "is": "a"}, {"field"}),
        ({"field": "attributes.x", "at_least": "many"}, {"at_least"}),
        ({"field": "attributes.x", "at_least": True}, {"at_least"}),
        ({"field": "attributes.x", "before": "yesterday"}, {"before"}),
        ({"field": "registered_at", "is": "2026-01-01"}, {"is"}),
        ({"field": "opted_in", "is": "yes"}, {"is"}),
        ({"not": {"not": {"not": {"not": {"not": LEAF}}}}}, {"not.not.not.not.not"}),
        ({"all": [LEAF] * 51}, {""}),
        ({"field": "tag", "in": [f"{number:0200d}" for number in range(21)]}, {""}),
        ({"all": [{"received": number} for number in range(1, 7)]}, {""}),
    ],
)
def test_each_mistake_is_reported_by_its_place(sent: object, places: set[str]) -> None:
    with pytest.raises(WrongParts) as refused:
        rule.read(sent)
    assert set(refused.value.by_place) == places
    for text in refused.value.by_place.values():
        assert str(text) != text.code
        assert text.in_language("ru") != text.code


def test_a_deep_or_endless_body_is_refused_and_not_followed() -> None:
    sent: object = LEAF
    for _ in range(500):
        sent = {"all": [sent, sent]}
    with pytest.raises(WrongParts) as refused:
        rule.read(sent)
    assert set(refused.value.by_place) <= {""} | {place for place in refused.value.by_place if place.endswith("all")}


@pytest.mark.parametrize("sent", [None, "", "  "])
def test_blank_or_null_is_no_condition(sent: object) -> None:
    assert rule.read(sent) is None


def test_a_condition_may_come_as_a_text_of_a_form() -> None:
    assert read('{"field": "tag", "is": "vip"}') == Leaf("tag", "is", "vip")


def test_numbers_and_days_are_read_as_people_write_them() -> None:
    assert (read_number("1500,5"), read_number("-3"), read_number("12 штук")) == (Decimal("1500.5"), Decimal(-3), None)
    assert read_day("1.2.2026") == datetime(2026, 2, 1, tzinfo=UTC)
    assert read_day("2026-02-01T03:00:00+03:00") == datetime(2026, 2, 1, tzinfo=UTC)
    assert read_day("32.01.2026") is None
    assert read_day("2026-02-30") is None
    assert read_day("0001-01-01T00:00:00+14:00") is None
