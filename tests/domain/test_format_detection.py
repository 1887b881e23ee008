"""The format of a CSV file is detected, and a file in another format is named for what it is."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.column_names import Columns
from chalicelib.domain.csv_file import FileFormat, read_rows
from chalicelib.domain.encodings import CP1251, UTF8, UTF8_OR_CP1251
from chalicelib.domain.format_detection import HEAD_SIZE, read_format
from chalicelib.errors import BadInput

COLUMNS = Columns(
    ["phone_number", "tag", "timezone", "id"],
    ["phone_number"],
    lambda name: name == "attributes.имя",
    "attributes.name",
    "attributes.",
)
TEXT = """
друзья Анна Иван постоянные Москва Санкт-Петербург Омск Казань Екатеринбург Пётр Юлия Яна Жанна Эдуард Фёдор
Щукин Хабаровск Уфа Чебоксары новый новые клиенты должник акция скидка ДРУЗЬЯ МОСКВА КЛИЕНТЫ ИВАН школа ёж имя
город Цой Зоя Лев Глеб Чита Тула Сочи Псков Ржев Ейск Шахты Южно-Сахалинск Йошкар-Ола Орёл Артём Семён Алёна
Дима Маша Саша Женя
"""
WORDS = TEXT.split()


def form_of(content: bytes) -> FileFormat:
    return read_format(content, True, COLUMNS, {})


def cells_of(content: bytes) -> list[list[str]]:
    form = form_of(content)
    return [row.cells for row in read_rows(iter([content[form.start :]]), form, form.start)]


def archive(*names: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name in names:
            file.writestr(name, "application/vnd.oasis.opendocument.spreadsheet" if name == "mimetype" else "x")
    return written.getvalue()


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
def test_each_encoding_delimiter_and_newline_is_recognised(encoding: str, delimiter: str, newline: str) -> None:
    lines = [["phone_number", "tag"], ["79770000001", "друзья"], ["79770000002", ""]]
    content = newline.join(delimiter.join(line) for line in lines).encode(encoding)
    assert cells_of(content) == lines[1:]


def test_the_encoding_of_a_file_that_begins_in_ascii_is_detected_line_by_line() -> None:
    content = b"phone_number;tag\n" + b"79770000001;vip\n" * 20_000
    assert read_format(content[:HEAD_SIZE], False, COLUMNS, {}).encoding == UTF8_OR_CP1251
    form = FileFormat(UTF8_OR_CP1251, ";", ("phone_number", "tag"), 0)
    content = "1;ёж\n".encode() + "2;ёж\n".encode("cp1251") + "3;друзья\n".encode("koi8-r")
    rows = [row.cells for row in read_rows(iter([content]), form, 0)]
    assert rows == [["1", "ёж"], ["2", "ёж"], ["3", "\ufffd" * 6]], "the rules of the fields refuse U+FFFD"
    assert form_of(b"phone_number\n" + b"79770000001\n" * 40_000 + "ёж".encode("cp1251")).encoding == CP1251


def test_a_character_that_is_cut_at_the_end_of_the_head_does_not_mean_cp1251() -> None:
    content = ("phone_number;tag\n" + "79770000001;ж\n" * 20_000).encode()
    for end in range(1000, 1030):
        assert read_format(content[:end], False, COLUMNS, {}).encoding == UTF8


def test_a_damaged_utf8_file_is_not_read_as_cp1251() -> None:
    content = "phone_number;tag\n1;друзья\n2;дру".encode() + b"\xd0\n" + "3;друзья\n".encode()
    assert form_of(content).encoding == UTF8
    assert cells_of(content) == [["1", "друзья"], ["2", "дру\ufffd"], ["3", "друзья"]]


@pytest.mark.parametrize(
    ("content", "field", "expected"),
    [
        (b"", "detail", "empty"),
        (b" \r\n\r\n", "detail", "empty"),
        (b"79770000001;a\n", "detail", "first row names the columns"),
        (b'"phone_number;tag\n', "detail", "first row names the columns"),
        (b"sep=;\n", "detail", "empty"),
        (b"\xef\xbb\xbf\n", "detail", "empty"),
        (b"x" * 300_000, "detail", "first row names the columns"),
        (b"tag;timezone\na;UTC\n", "phone_number", "required"),
        (b"phone_number;tagg\n", "tagg", "Unknown column"),
        (b"phone_number;;tag\n", "(column 2)", "Unknown column"),
        (b";;\n1;2;3\n", "detail", "first row names the columns"),
        ("phone_number;attributes.имя;имя\n".encode(), "имя", "id, attributes.name are expected"),
        ("phone_number;attributes.имя;attributes.имя\n".encode(), "attributes.имя", "more than once"),
        ("attributes.имя\n".encode(), "phone_number", "required"),
        (b"phone_number;tag;tag\n", "tag", "more than once"),
        (b"phone_number|tag\n", "detail", "; or , or a tab"),
    ],
)
def test_a_file_without_valid_columns_is_refused(content: bytes, field: str, expected: str) -> None:
    with pytest.raises(BadInput) as refused:
        form_of(content)
    assert list(refused.value.body) == [field]
    assert expected in str(refused.value.body[field])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (archive("mimetype", "content.xml"), "a spreadsheet (ODS)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "a spreadsheet (XLS)"),
        (archive("clients.csv"), "an archive (ZIP): unpack it"),
        (gzip.compress(b"phone_number"), "an archive (GZIP)"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "neither CSV nor XLSX"),
        ("phone_number;tag\n1;друзья".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        ("phone_number;tag\n1;друзья".encode("utf-16-be"), "UTF-16 without a byte order mark"),
        ("phone_number;tag\n1;друзья".encode("utf-32"), "in UTF-32: save it as CSV in UTF-8"),
        ("phone_number;tag\n1;друзья".encode("koi8-r"), "in KOI8-R: save it as CSV in UTF-8"),
        ("phone_number;tag\n1;друзья".encode("cp866"), "in CP866: save it as CSV in UTF-8"),
        ("phone_number;tag\n1;Müller\n2;Jürgen\n".encode("cp1252"), "neither UTF-8 nor Windows-1251"),
        (b"sep=|\nphone_number|tag\n", "says sep=|: save the file with ; or , or a tab"),
    ],
    ids=range(12),
)
def test_a_file_of_another_kind_is_named_for_what_it_is(content: bytes, expected: str) -> None:
    with pytest.raises(BadInput) as refused:
        form_of(content)
    assert expected in str(refused.value.body["detail"])


def test_a_single_word_of_cp1251_is_read() -> None:
    assert [cells_of(f"phone_number\n{word}".encode(CP1251)) for word in WORDS] == [[[word]] for word in WORDS]


@pytest.mark.parametrize("number", [4, 12])
@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "cp866"])
def test_the_cyrillic_encodings_are_told_apart_by_a_few_words(encoding: str, number: int) -> None:
    chance = random.Random(1)
    for _ in range(200):
        rows = [f"79770000001;{word};VIP" for word in chance.sample(WORDS, number)]
        content = "\n".join(["phone_number;tag;timezone", *rows]).encode(encoding)
        if encoding == CP1251:
            assert form_of(content).encoding == CP1251
        else:
            with pytest.raises(BadInput, match=encoding.upper()):
                form_of(content)


def test_signs_and_quotes_of_cp1251_are_read() -> None:
    words = ["№ 5", "«друзья»", "Анна – Омск", "“Ромашка”", "ёлка…"]
    content = "\n".join(["phone_number;tag", *(f"1;{word}" for word in words)]).encode("cp1251")
    assert cells_of(content) == [["1", word] for word in words]


@pytest.mark.parametrize("first", ["sep=,", '"sep=,"', "SEP=,"])
def test_a_first_line_may_name_the_separator(first: str) -> None:
    for newline in ("\n", "\r\n", "\r"):
        assert cells_of(newline.join([first, "phone_number,tag", "1,a;b", ""]).encode()) == [["1", "a;b"]]


def test_columns_without_a_name_at_the_end_are_left_out() -> None:
    content = b"phone_number;tag;;\r\n1;a;;\r\n2;b\r\n"
    assert form_of(content).columns == ("phone_number", "tag")
    assert cells_of(content) == [["1", "a", "", ""], ["2", "b"]]


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda rest: b"phone_number" + rest), st.booleans())
def test_any_bytes_have_a_format_or_are_refused(content: bytes, is_complete: bool) -> None:
    with suppress(BadInput):
        assert read_format(content, is_complete, COLUMNS, {}).start <= len(content)


@pytest.mark.parametrize("unit", [b"\xd0", b"\xff\n", b"\xd0\xb0", b"a\xe0\r", b"\n", b"sep=", b"\xff\xfe"])
def test_the_format_of_five_megabytes_of_anything_is_decided(unit: bytes) -> None:
    """Work that grows with the square of the file would not end."""
    with pytest.raises(BadInput):
        form_of(unit * (5 * 2**20 // len(unit)))
