"""CSV files of clients in the formats that spreadsheet programs write."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.csv_file import (
    FileFormat,
    FileRow,
    escape_formula,
    read_rows,
    unescape_formula,
    write_rows,
)
from chalicelib.domain.encodings import CP1251, UTF8, UTF8_OR_CP1251, UTF16_BE, UTF16_LE
from chalicelib.domain.file_lines import MAX_ROW

PLAIN = FileFormat(UTF8, ";", ("phone_number", "tag"), 0)


def in_blocks(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def rows_of(content: bytes, form: FileFormat = PLAIN, at: int = 0, block: int = 7) -> list[FileRow]:
    return list(read_rows(in_blocks(content[at:], block), form, at))


def cells_of(content: bytes) -> list[list[str]]:
    return [row.cells for row in rows_of(content)]


def test_quotes_span_lines_and_hide_delimiters() -> None:
    assert cells_of(b'1;"a;b"\n2;"c\nd"\n"3";say ""it""\n') == [
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


ENCODINGS = st.sampled_from([UTF8, CP1251, UTF8_OR_CP1251, UTF16_LE, UTF16_BE])


@given(st.binary(max_size=300), st.integers(1, 50), ENCODINGS, st.sampled_from("\n\r"))
def test_rows_of_any_bytes_cover_the_file(content: bytes, block: int, encoding: str, newline: str) -> None:
    form = FileFormat(encoding, ";", ("phone_number",), 0, newline)
    ends = [row.end for row in rows_of(content, form, block=block)]
    assert ends == sorted(set(ends))
    assert ends[-1:] == ([len(content)] if content else [])


@given(
    st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), min_size=2), max_size=9),
    st.integers(1, 50),
    st.sampled_from([UTF8, UTF16_LE, UTF16_BE]),
    st.sampled_from("\n\r"),
)
def test_any_cells_are_read_from_any_row_on_in_each_encoding(
    cells: list[list[str]], block: int, encoding: str, newline: str
) -> None:
    """U+0A00 and U+0D0A, for example, have the bytes of a newline of UTF-16 at an odd offset."""
    written = io.StringIO()
    csv.writer(written, delimiter=";", lineterminator=newline, quoting=csv.QUOTE_ALL).writerows(cells)
    content = written.getvalue().encode(encoding)
    form = FileFormat(encoding, ";", (), 0, newline)
    rows = rows_of(content, form, block=block)
    assert [row.cells for row in rows] == cells
    for index, row in enumerate(rows):
        assert rows_of(content, form, at=row.end, block=block) == rows[index + 1 :]


@pytest.mark.parametrize("block", [999, 1000, 100_000])
@pytest.mark.parametrize("encoding", [UTF16_LE, UTF16_BE])
def test_a_huge_row_of_utf16_costs_one_row(encoding: str, block: int) -> None:
    content = ("1;a\n" + "\u0a00" * 20_000 + "\n2;b\n").encode(encoding)
    first, huge, last = rows_of(content, FileFormat(encoding, ";", (), 0), block=block)
    assert (first.cells, huge.error is None, last.cells) == (["1", "a"], False, ["2", "b"])
    assert (huge.end, last.end) == (len(content) - 8, len(content))
