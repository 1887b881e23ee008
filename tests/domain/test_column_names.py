"""What the names of columns mean."""

from __future__ import annotations

from unicodedata import normalize

import pytest

from chalicelib.clients.import_columns import COLUMNS
from chalicelib.domain.column_names import ALIASES, IGNORED, column_labels, read_columns
from chalicelib.errors import BadInput


def columns_of(*names: str, **chosen: str) -> tuple[str, ...]:
    return read_columns(column_labels(names), COLUMNS, chosen)


def refusal_of(*names: str, **chosen: str) -> dict[str, object]:
    with pytest.raises(BadInput) as refused:
        columns_of(*names, **chosen)
    return refused.value.body


@pytest.mark.parametrize(
    "name",
    [
        "phone_number",
        "Phone_Number",
        "PHONE",
        "Phone number",
        "Телефон",
        "ТЕЛЕФОН:",
        "Номер телефона*",
        "Номер_телефона",
        "Тел.",
        " Мобильный\u00a0телефон ",
        normalize("NFD", "Контактный телефон"),
        "Mobile",
    ],
)
def test_a_column_of_phone_numbers_is_known_by_many_names(name: str) -> None:
    assert columns_of(name) == ("phone_number",)


def test_names_are_in_russian_or_english_and_in_any_case() -> None:
    names = ("Телефон", "Тег", "Часовой пояс", "Дата отписки", "Код оператора", "Причина")
    meant = ("phone_number", "tag", "timezone", "opted_out_at", "operator_code", "reason")
    assert columns_of(*names) == columns_of(*map(str.upper, names)) == columns_of(*map(str.title, meant)) == meant


def test_each_other_name_belongs_to_one_column_that_a_file_may_have() -> None:
    names = [name for names in ALIASES.values() for name in names.split(", ")]
    assert len(names) == len(set(names))
    assert set(ALIASES) <= set(COLUMNS.known)


def test_the_case_of_an_attribute_is_kept() -> None:
    assert columns_of("phone", "ATTRIBUTES.Имя", "attributes.имя")[1:] == ("attributes.Имя", "attributes.имя")


def test_a_person_says_what_a_column_means_or_leaves_it_out() -> None:
    chosen = {"ФИО": "attributes.имя", "Комментарий": IGNORED, "(column 3)": IGNORED, "Id": "phone_number"}
    names = ("Id", "ФИО", "", "Комментарий", "")
    assert columns_of(*names, **chosen) == ("phone_number", "attributes.имя", IGNORED, IGNORED)


@pytest.mark.parametrize(
    ("names", "chosen", "field", "expected"),
    [
        (("Телефон", "ФИО"), {}, "ФИО", '{"ФИО": "attributes.name"}'),
        (("Телефон", "Тег", "Метка"), {}, "Метка", "more than once: tag"),
        (("Телефон", "Тег", "Метка"), {}, "Тег", "more than once: tag"),
        (("Тег",), {}, "phone_number", "required"),
        (("Фамилия", "Город"), {}, "detail", "“Фамилия”, “Город”"),
        (("Телефон",), {"ФИО": "tag"}, "columns", "no column “ФИО”"),
        (("Телефон", "ФИО"), {"ФИО": "имя"}, "columns", "“ФИО” cannot mean “имя”"),
        (("Телефон", "ФИО"), {"ФИО": "attributes.tag"}, "columns", "cannot mean"),
        (("Телефон",), {"Телефон": IGNORED}, "detail", "none of these is known: “Телефон”"),
        (("Телефон", "Тег"), {"Телефон": IGNORED}, "phone_number", "required"),
        (("Телефон", "Номер"), {}, "Номер", "more than once: phone_number"),
        (("Телефон", "Номер"), {"Тег": ""}, "columns", "no column"),
        (("Телефон", *[""] * 500, "x"), {}, "detail", "more than 500 columns"),
    ],
)
def test_a_column_that_is_wrong_is_named(
    names: tuple[str, ...], chosen: dict[str, str], field: str, expected: str
) -> None:
    assert expected in str(refusal_of(*names, **chosen)[field])
