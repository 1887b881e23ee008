"""Texts with fields: what is a field, what stays as it is, and what each client gets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.client import ATTRIBUTE_NAME, Client, is_attribute_name
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.template import fill, fill_masked, has_placeholders, placeholder_names, text_for

ANNA = Client(7, "79774053329", "друзья", attributes={"имя": "Анна", "city_2": "Омск", "trap": "{имя}{{tag}}"})
NOBODY = Client(8, "79210000001")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

names = st.from_regex(ATTRIBUTE_NAME, fullmatch=True)
texts = st.text(st.sampled_from("аб{}|= \n") | st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "anna", "nobody"),
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
def test_a_field_is_filled_in_for_each_client(text: str, anna: str, nobody: str) -> None:
    assert has_placeholders(text)
    assert (fill(text, ANNA), fill(text, NOBODY)) == (anna, nobody)


@pytest.mark.parametrize(
    "text",
    [
        *("{", "}", "{}", "{{}}", "{ имя }", "{имя отчество}", "{1}", "{_x}", "{имя-отчество}", "{|друг}", "{имя|{x|y"),
        *('{"a": {"b": 1}}', "{" + "a" * 33 + "}", ":-}", "цена {50%}", "{имя", "имя}", "%(имя)s ${1}"),
    ],
)
def test_whatever_does_not_look_like_a_field_stays_as_it_is(text: str) -> None:
    assert not has_placeholders(text)
    assert placeholder_names(text) == []
    assert fill(text, ANNA) == text


def test_names_are_told_once_and_in_order() -> None:
    assert placeholder_names("{b} {a|x} {b|y} {{c}} {tag}") == ["b", "a", "tag"]


@given(texts)
def test_a_text_has_to_be_filled_in_if_and_only_if_it_has_the_shape_of_a_field(text: str) -> None:
    if not has_placeholders(text):
        assert fill(text, ANNA) == text
    for name in placeholder_names(text):
        assert f"{{{name}" in text


@given(names, texts, texts, st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_is_around_a_field_stays_and_what_is_filled_in_is_not_looked_at_again(
    name: str, before: str, after: str, value: str
) -> None:
    before, after = before.replace("{", "").replace("}", ""), after.replace("{", "").replace("}", "")
    client = replace(NOBODY, attributes={name: value} if is_attribute_name(name) else {})
    expected = value if is_attribute_name(name) else {"tag": "", "phone_number": client.phone_number}[name]
    assert fill(f"{before}{{{name}}}{after}", client) == before + expected + after
    assert fill(f"{before}{{{{{name}}}}}{after}", client) == f"{before}{{{name}}}{after}"


@given(names, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}")))
def test_a_default_stands_there_where_the_client_has_nothing(name: str, otherwise: str) -> None:
    if is_attribute_name(name):
        assert fill(f"{{{name}|{otherwise}}}", NOBODY) == otherwise
        assert fill(f"{{{name}|{otherwise}}}", replace(NOBODY, attributes={name: "x"})) == "x"


def test_a_page_shows_a_text_of_the_same_length_without_the_phone_number() -> None:
    assert fill_masked("{phone_number}, {имя}", ANNA) == "7977*****29, Анна"
    assert ANNA.masked_phone == "+7 977 ***-**-29"


def test_a_mailing_announced_before_there_were_fields_goes_out_as_it_is() -> None:
    old = Mailing(1, NOW, NOW, "{имя} {{tag}}")
    assert text_for(old, ANNA) == old.message_text
    assert text_for(replace(old, has_placeholders=True), ANNA) == "Анна {tag}"


@pytest.mark.parametrize("name", ["имя", "Ёж_2", "a", "ñ", "名", "a" * 32])
def test_a_name_is_as_people_name_columns(name: str) -> None:
    assert is_attribute_name(name)


@pytest.mark.parametrize(
    "name", ["", "_a", "1a", "a b", "a-b", "a.b", "a|b", "{a", "a" * 33, "tag", "phone_number", "a\n"]
)
def test_a_name_is_one_word_and_not_taken(name: str) -> None:
    assert not is_attribute_name(name)
