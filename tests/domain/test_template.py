"""Placeholders: their syntax, escaping, and the text for each client."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.client import ATTRIBUTE_NAME, Client, is_attribute_name
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.template import (
    PLACEHOLDER,
    fill,
    fill_masked,
    has_placeholders,
    malformed_placeholders,
    placeholder_names,
    text_for,
    without_value,
)

ANNA = Client(7, "79774053329", "друзья", attributes={"имя": "Анна", "city_2": "Омск", "trap": "{имя}{{tag}}"})
WITHOUT_ATTRIBUTES = Client(8, "79210000001")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

names = st.from_regex(ATTRIBUTE_NAME, fullmatch=True)
texts = st.text(st.sampled_from("аб{}|= \n") | st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "anna", "without_attributes"),
    [
        ("Привет, {имя}!", "Привет, Анна!", "Привет, !"),
        ("Привет, {имя|друг}!", "Привет, Анна!", "Привет, друг!"),
        ("{имя|дорогой друг, }ждём", "Аннаждём", "дорогой друг, ждём"),
        ("{имя|}", "Анна", ""),
        ("{tag|всем} {phone_number}", "друзья 79774053329", "всем 79210000001"),
        ("{city_2}{city_2}", "ОмскОмск", ""),
        ("{trap}", "{имя}{{tag}}", ""),
        ("{{имя}} и {{имя|друг}}", "{имя} и {имя|друг}", "{имя} и {имя|друг}"),
        ("{{имя}", "{Анна", "{"),
        ("{имя}}", "Анна}", "}"),
    ],
)
def test_a_placeholder_is_replaced_for_each_client(text: str, anna: str, without_attributes: str) -> None:
    assert has_placeholders(text)
    assert (fill(text, ANNA), fill(text, WITHOUT_ATTRIBUTES)) == (anna, without_attributes)


@pytest.mark.parametrize(
    "text",
    [
        *("{", "}", "{}", "{{}}", "{ имя }", "{имя отчество}", "{1}", "{_x}", "{имя-отчество}", "{|друг}", "{имя|{x|y"),
        *('{"a": {"b": 1}}', "{" + "a" * 33 + "}", ":-}", "цена {50%}", "{имя", "имя}", "%(имя)s ${1}"),
    ],
)
def test_other_braces_are_unchanged(text: str) -> None:
    assert not has_placeholders(text)
    assert placeholder_names(text) == []
    assert fill(text, ANNA) == text


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Привет, {имя!", ["{имя!"]),
        ("Привет, {имя }! Ждём.", ["{имя }"]),
        ("Привет, имя}! Ждём {tag|всех} в {город", ["имя}", "{город"]),
        ("{{имя} и {имя}} и {{{имя}}}", ["{{имя}", "{имя}}", "{{{имя}}}"]),
        ("{имя|{tag}", ["{имя|"]),
        ("{имя, приходите\nк нам :-}", ["{имя, приходите…"]),
        ("{" + "a" * 60, ["{" + "a" * 29 + "…"]),
        ("{} {} {", ["{}", "{"]),
        ("{имя} {имя|друг, } {{имя}} {{имя|друг}} {tag|\n}", []),
        ("Ждём вас", []),
    ],
)
def test_a_brace_that_belongs_to_no_placeholder_is_named_with_the_piece_around_it(text: str, pieces: list[str]) -> None:
    assert malformed_placeholders(text) == pieces


@given(texts)
def test_a_piece_is_named_exactly_if_a_brace_is_left_beside_the_placeholders(text: str) -> None:
    left = PLACEHOLDER.sub("", text)
    assert bool(malformed_placeholders(text)) == ("{" in left or "}" in left)


def test_placeholder_names_are_unique_and_in_order() -> None:
    assert placeholder_names("{b} {a|x} {b|y} {{c}} {tag}") == ["b", "a", "tag"]


@given(texts)
def test_a_text_without_placeholders_is_unchanged(text: str) -> None:
    if not has_placeholders(text):
        assert fill(text, ANNA) == text
    for name in placeholder_names(text):
        assert f"{{{name}" in text


@given(names, texts, texts, st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_the_text_around_a_placeholder_is_unchanged_and_values_are_not_searched(
    name: str, before: str, after: str, value: str
) -> None:
    before, after = before.replace("{", "").replace("}", ""), after.replace("{", "").replace("}", "")
    client = replace(WITHOUT_ATTRIBUTES, attributes={name: value} if is_attribute_name(name) else {})
    expected = value if is_attribute_name(name) else {"tag": "", "phone_number": client.phone_number}[name]
    assert fill(f"{before}{{{name}}}{after}", client) == before + expected + after
    assert fill(f"{before}{{{{{name}}}}}{after}", client) == f"{before}{{{name}}}{after}"


@given(names, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}")))
def test_a_default_replaces_a_missing_value(name: str, default: str) -> None:
    if is_attribute_name(name):
        assert fill(f"{{{name}|{default}}}", WITHOUT_ATTRIBUTES) == default
        assert fill(f"{{{name}|{default}}}", replace(WITHOUT_ATTRIBUTES, attributes={name: "x"})) == "x"


def test_a_masked_text_has_the_same_length() -> None:
    assert fill_masked("{phone_number}, {имя}", ANNA) == "7977*****29, Анна"
    assert ANNA.masked_phone == "+7 977 ***-**-29"


def test_a_mailing_from_before_placeholders_is_sent_unchanged() -> None:
    old = Mailing(1, NOW, NOW, "{имя} {{tag}}")
    assert text_for(old, ANNA) == old.message_text
    assert text_for(replace(old, has_placeholders=True), ANNA) == "Анна {tag}"


@pytest.mark.parametrize("name", ["имя", "Ёж_2", "a", "ñ", "名", "a" * 32])
def test_a_letter_then_letters_digits_and_underscores_name_an_attribute(name: str) -> None:
    assert is_attribute_name(name)


@pytest.mark.parametrize(
    "name", ["", "_a", "1a", "a b", "a-b", "a.b", "a|b", "{a", "a" * 33, "tag", "phone_number", "a\n"]
)
def test_any_other_name_names_no_attribute(name: str) -> None:
    assert not is_attribute_name(name)


def test_the_clients_without_a_value_are_counted_for_each_placeholder_without_a_default() -> None:
    owned: list[dict[str, str]] = [{}, {"имя": "Аня"}, {"имя": "", "город": "Омск"}]
    clients = [replace(WITHOUT_ATTRIBUTES, attributes=attributes) for attributes in owned]
    assert without_value("{город}, {имя}", clients) == {"город": 2, "имя": 2}
    assert without_value("{имя}, {tag} {phone_number}", clients[1:2]) == {"tag": 1}
    assert without_value("{имя|друг} {город|} {{имя}}", clients) == {}, "an empty default is meant"
    assert without_value("{имя|друг}, {имя}", clients) == {"имя": 2}
