"""CSV files of clients in the formats that spreadsheet programs write."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.csv_file import (
    CP1251,
    HEAD_SIZE,
    MAX_ROW,
    UTF8,
    UTF8_OR_CP1251,
    Columns,
    FileFormat,
    FileRow,
    escape_formula,
    read_format,
    read_rows,
    unescape_formula,
    write_rows,
)
from chalicelib.errors import BadInput

COLUMNS = Columns(
    ["phone_number", "tag", "timezone", "id"],
    ["phone_number"],
    lambda name: name == "attributes.имя",
    "attributes.name",
)
PLAIN = FileFormat(UTF8, ";", ("phone_number", "tag"), 0)


def form_of(content: bytes, is_complete: bool = True) -> FileFormat:
    return read_format(content[:HEAD_SIZE], is_complete, COLUMNS)


def in_blocks(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def rows_of(content: bytes, form: FileFormat = PLAIN, at: int = 0, block: int = 7) -> list[FileRow]:
    return list(read_rows(in_blocks(content[at:], block), form, at))


def cells_of(content: bytes) -> list[list[str]]:
    form = form_of(content)
    return [row.cells for row in rows_of(content, form, form.start)]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [";", ","])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
def test_each_encoding_delimiter_and_newline_is_recognised(encoding: str, delimiter: str, newline: str) -> None:
    lines = [["phone_number", "tag"], ["79770000001", "друзья"], ["79770000002", ""]]
    content = newline.join(delimiter.join(line) for line in lines).encode(encoding)
    assert cells_of(content) == lines[1:]


def test_the_encoding_of_a_file_that_begins_in_ascii_is_detected_line_by_line() -> None:
    content = b"phone_number;tag\n" + b"79770000001;vip\n" * 20_000
    assert form_of(content, is_complete=False).encoding == UTF8_OR_CP1251
    form = FileFormat(UTF8_OR_CP1251, ";", ("phone_number", "tag"), 0)
    content = "1;ёж\n".encode() + "2;ёж\n".encode("cp1251")
    assert [row.cells for row in rows_of(content, form)] == [["1", "ёж"], ["2", "ёж"]]


def test_a_character_that_is_cut_at_the_end_of_the_head_does_not_mean_cp1251() -> None:
    content = ("phone_number;tag\n" + "79770000001;ж\n" * 20_000).encode()
    for end in range(1000, 1030):
        assert read_format(content[:end], False, COLUMNS).encoding == UTF8


def test_a_damaged_utf8_file_is_not_read_as_cp1251() -> None:
    content = "phone_number;tag\n1;друзья\n2;дру".encode() + b"\xd0\n" + "3;друзья\n".encode()
    assert form_of(content).encoding == UTF8
    assert cells_of(content) == [["1", "друзья"], ["2", "дру\ufffd"], ["3", "друзья"]]
    assert form_of("phone_number;tag\n1;друзья\n".encode("cp1251")).encoding == CP1251


def test_quotes_span_lines_and_hide_delimiters() -> None:
    assert cells_of(b'phone_number;tag\n1;"a;b"\n2;"c\nd"\n"3";say ""it""\n') == [
        ["1", "a;b"],
        ["2", "c\nd"],
        ["3", 'say ""it""'],
    ]


@pytest.mark.parametrize("block", [1, 2, 3, 5, 100])
def test_reading_can_continue_after_any_row(block: int) -> None:
    content = 'первый;"с\nконцом"\r\n\r\nвторой;b\n"третий;c\nчетвёртый;d'.encode()
    rows = rows_of(content, block=block)
    assert [row.error is None for row in rows] == [True, True, True, False, True]
    assert rows[1].is_blank
    assert rows[-1].end == len(content)
    for index, row in enumerate(rows):
        assert rows_of(content, at=row.end, block=block) == rows[index + 1 :]


def test_an_unclosed_quote_costs_one_row() -> None:
    content = b'1;a\n2;"b\n' + b"3;c\n" * 3000 + b"4;d\n"
    rows = rows_of(content, block=1000)
    assert [row.cells for row in rows if row.error] == [['2;"b']]
    assert len(rows) == 3003


@pytest.mark.parametrize("block", [100, 5000, 100_000])
@pytest.mark.parametrize("length", [MAX_ROW, 50_000])
def test_a_huge_row_costs_one_row_and_no_memory(block: int, length: int) -> None:
    content = b"1;a\n" + b"x" * length + b"\n2;b\n"
    first, huge, last = rows_of(content, block=block)
    assert (first.cells, last.cells) == (["1", "a"], ["2", "b"])
    assert huge.error is not None
    assert len(huge.cells[0]) <= 64
    assert (huge.end, last.end) == (len(content) - 4, len(content))


def test_a_huge_row_may_be_the_last() -> None:
    content = b"1;a\n" + b"x" * 50_000
    assert [(row.error is None, row.end) for row in rows_of(content, block=999)] == [(True, 4), (False, len(content))]


@pytest.mark.parametrize(
    ("content", "field", "expected"),
    [
        (b"", "detail", "empty"),
        (b" \r\n\r\n", "detail", "empty"),
        ("phone_number\n1\n".encode("utf-16"), "detail", "UTF-16"),
        (b"79770000001;a\n", "detail", "first row names the columns"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "detail", "first row names the columns"),
        (b'"phone_number;tag\n', "detail", "first row names the columns"),
        (b"phone_number\r79770000001\r", "detail", "first row names the columns"),
        (b"x" * 300_000, "detail", "first row names the columns"),
        (b"tag;timezone\na;UTC\n", "phone_number", "required"),
        (b"phone_number;tagg\n", "tagg", "Unknown column"),
        (b"phone_number;tag;\n", "(column 3)", "Unknown column"),
        ("phone_number;attributes.имя;имя\n".encode(), "имя", "id, attributes.name are expected"),
        ("phone_number;attributes.имя;attributes.имя\n".encode(), "attributes.имя", "more than once"),
        ("attributes.имя\n".encode(), "phone_number", "required"),
        (b"phone_number;tag;tag\n", "tag", "more than once"),
        (b"phone_number\ttag\n", "detail", "first row names the columns"),
    ],
)
def test_a_file_without_valid_columns_is_refused(content: bytes, field: str, expected: str) -> None:
    with pytest.raises(BadInput) as refused:
        form_of(content)
    assert list(refused.value.body) == [field]
    assert expected in str(refused.value.body[field])


CELL = st.text(st.sampled_from("=+-@\t\r\n,;'\"|ax ") | st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize("cell", ["=1+1", "+7", "-1", "@x", "\tx", "\rx", "'=x", "''=x"])
def test_formulas_are_escaped_and_restored(cell: str) -> None:
    assert escape_formula(cell) == f"'{cell}"
    assert unescape_formula(escape_formula(cell)) == cell


@pytest.mark.parametrize(
    ("cell", "escaped"),
    [
        ("x,=1+cmd|' /C calc'!A0,y", "x,'=1+cmd|' /C calc'!A0,y"),
        ("x;=1;+2\t-3\n@4", "x;'=1;'+2\t'-3\n'@4"),
        ("x,'=1", "x,''=1"),
        ('x,"=1"', 'x,\'"=1"'),
        (",\t=1", ",'\t'=1"),
        ("a-b, c=d; +7", "a-b, c=d; +7"),
    ],
)
def test_a_formula_after_a_separator_inside_a_cell_is_escaped(cell: str, escaped: str) -> None:
    """A spreadsheet that splits the file at another separator makes a cell of it."""
    assert escape_formula(cell) == escaped
    assert unescape_formula(escaped) == cell


@given(CELL)
def test_an_exported_cell_is_imported_unchanged(cell: str) -> None:
    assert unescape_formula(escape_formula(cell)) == cell


@given(st.lists(st.lists(CELL, min_size=2), min_size=1), st.sampled_from(";,\t"))
def test_no_cell_of_a_written_file_is_a_formula_whichever_separator_splits_it(
    rows: list[list[str]], delimiter: str
) -> None:
    written = write_rows(rows)
    for cells in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter):
        assert not [cell for cell in cells if cell.lstrip("\t\r\n").startswith(("=", "+", "-", "@"))]


@given(st.lists(st.lists(CELL, min_size=2)))
def test_written_rows_can_be_read(rows: list[list[str]]) -> None:
    content = write_rows(rows).encode()
    assert [[unescape_formula(cell) for cell in row.cells] for row in rows_of(content)] == rows


@given(st.binary(max_size=300), st.integers(1, 50), st.sampled_from([UTF8, CP1251, UTF8_OR_CP1251]))
def test_rows_of_any_bytes_cover_the_file(content: bytes, block: int, encoding: str) -> None:
    form = FileFormat(encoding, ";", ("phone_number",), 0)
    ends = [row.end for row in rows_of(content, form, block=block)]
    assert ends == sorted(set(ends))
    assert ends[-1:] == ([len(content)] if content else [])
