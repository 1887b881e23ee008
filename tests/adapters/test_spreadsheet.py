"""XLSX files: the values of the rows, and files that are damaged, too large, or made to fill the memory."""

from __future__ import annotations

import io
import random
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from openpyxl import Workbook

from chalicelib.adapters.sheet_blocks import sheet_blocks
from chalicelib.adapters.spreadsheet import (
    MAX_BETWEEN_ROWS,
    MAX_ROWS,
    read_workbook_format,
    read_workbook_outline,
    read_workbook_rows,
)
from chalicelib.clients.import_columns import COLUMNS
from chalicelib.domain.csv_file import FileFormat, FileRow
from chalicelib.domain.format_detection import is_workbook
from chalicelib.errors import BadInput
from tests.depth import depth
from tests.workbooks import HEADER, MAIN, with_parts, with_sheet, with_texts, workbook_of

CHOSEN = {"Имя": "attributes.имя"}


def form_of(content: bytes) -> FileFormat:
    return read_workbook_outline(io.BytesIO(content), COLUMNS)


def rows_of(content: bytes, at: int | None = None) -> Iterator[FileRow]:
    form = form_of(content)
    return read_workbook_rows(io.BytesIO(content), form, form.start if at is None else at)


def cells_of(*rows: Any) -> list[list[str]]:
    content = io.BytesIO(workbook_of(("phone_number", "tag"), *rows))
    form = read_workbook_format(content, COLUMNS, {})
    return [row.cells for row in read_workbook_rows(content, form, form.start)]


def refusal_of(content: bytes) -> str:
    with pytest.raises(BadInput) as refused:
        list(rows_of(content))
    return str(refused.value.body["detail"])


def test_the_columns_and_the_rows_of_the_first_visible_sheet_are_read() -> None:
    content = workbook_of(("Телефон", "Имя", None), ("8 (977) 000-00-01", "Анна"), sheets={"b": [("id",), (1,)]})
    assert is_workbook(content)
    form = read_workbook_format(io.BytesIO(content), COLUMNS, CHOSEN)
    assert (form.columns, form.names, form.start) == (("phone_number", "attributes.имя"), ("Телефон", "Имя"), 1)
    assert [row.cells for row in rows_of(content)] == [["8 (977) 000-00-01", "Анна"]]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (79774053329, "79774053329"),
        (79774053329.0, "79774053329"),
        ("79774053329", "79774053329"),
        (7.5, "7.5"),
        (1e22, "1e+22"),
        (None, ""),
        ("", ""),
        (True, "TRUE"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),
        (time(3, 4), "03:04:00"),
        (timedelta(hours=30), "1 day, 6:00:00"),
        ("é\u0301<&>", "é\u0301<&>"),
    ],
)
def test_a_value_is_read_as_a_csv_file_would_have_it(value: object, shown: str) -> None:
    assert cells_of(("x", value)) == [["x", shown]]


def test_the_numbers_of_rows_are_those_of_the_spreadsheet_and_missing_rows_are_blank() -> None:
    header = HEADER.replace('"1"', '"3"').replace("A1", "A3")
    sheet = f'{header}<row r="6"><c r="B6"><v>7</v></c></row>'
    content = with_sheet(sheet)
    assert form_of(content).start == 3
    found = [(row.end, row.cells, row.is_blank) for row in rows_of(content)]
    assert found == [(4, [], True), (5, [], True), (6, ["", "7"], False)]


def test_reading_continues_at_any_row() -> None:
    content = workbook_of(("phone_number",), *((str(number),) for number in range(9)))
    for at in range(1, 11):
        assert [row.cells for row in rows_of(content, at)] == [[str(number)] for number in range(at - 1, 9)]


@pytest.mark.parametrize("prefix", ["", "x:"])
@pytest.mark.parametrize(
    "numbers", [(1, 2, 3, 4, 5), (1, None, None, None, None), (2, None, 6, None, 9), (1, 3, None, 8, 9)]
)
def test_a_later_turn_reads_the_rest_of_the_rows_as_the_first_one_would(prefix: str, numbers: Any) -> None:
    named = [f' spans="1:1" r="{number}" ht="3"' if number else "" for number in numbers]
    rows = "".join(
        f"<{prefix}row{name}><{prefix}c><{prefix}v>{n}</{prefix}v></{prefix}c></{prefix}row>\n"
        for n, name in enumerate(named)
    )
    space = f' xmlns{":" * bool(prefix)}{prefix[:-1]}="{MAIN}"'
    sheet = f"<{prefix}worksheet{space}><{prefix}sheetData>{rows}</{prefix}sheetData></{prefix}worksheet>"
    content = with_parts(workbook_of(["a"]), {"xl/worksheets/sheet1.xml": sheet.encode()})
    found = list(rows_of(content))
    for turn, row in enumerate(found, 1):
        assert list(rows_of(content, row.end)) == found[turn:]


class InPieces(io.BytesIO):
    """A part of which each read returns a few bytes."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self._size = size

    def read(self, _size: int | None = None) -> bytes:
        return super().read(self._size)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_the_rows_of_a_later_turn_begin_at_the_same_place_wherever_a_block_ends(size: int) -> None:
    rows = "".join(
        f'<row spans="1:2" r="{number}"><c r="A{number}"><v>{number}</v></c></row>' for number in range(1, 9)
    )
    sheet = f"<worksheet><cols/><sheetData>{rows}</sheetData><hyperlinks/></worksheet>".encode()
    for at in range(1, 10):
        unread = rows[rows.find(f'<row spans="1:2" r="{at + 1}"') :] if at < 8 else ""
        expected = f"<worksheet><cols/><sheetData>{'<row r=@/>' if unread else ''}{unread}</sheetData>"
        found = b"".join(sheet_blocks(InPieces(sheet, size), at))
        assert found.startswith(expected.replace("@", f'"{at}"').encode())


def test_a_later_turn_reads_no_cell_of_earlier_rows() -> None:
    """To read them takes longer than a turn has, so that an import of a large sheet would never end."""
    damaged = '<row r="2"><c t="s"><v>99</v></c></row>' + f'<row r="3"><c><v>{"9" * 200_000}</v></c></row>'
    content = with_sheet(HEADER + damaged + '<row r="4"><c r="A4"><v>7</v></c></row>')
    assert [row.cells for row in rows_of(content, 3)] == [["7"]]


def test_a_row_without_a_value_at_its_end_has_all_cells_of_the_columns() -> None:
    content = workbook_of(("phone", "tag", "Имя"), ("1",), (None, None, None), ("2", None, "x", "y"))
    form = read_workbook_format(io.BytesIO(content), COLUMNS, CHOSEN)
    rows = [row.cells for row in read_workbook_rows(io.BytesIO(content), form, 1)]
    assert rows == [["1", "", ""], ["", "", ""], ["2", "", "x", "y"]]


def test_a_formula_gives_its_last_value_and_an_error_refuses_the_row() -> None:
    cells = '<c r="A2"><f>1+1</f><v>2</v></c>', '<c r="A3" t="e"><v>#N/A</v></c>', '<c r="A4"><f>1+1</f></c>'
    rows = "".join(f'<row r="{number}">{cell}</row>' for number, cell in enumerate(cells, 2))
    found = list(rows_of(with_sheet(HEADER + rows)))
    assert [row.cells for row in found] == [["2"], ["#N/A"], []]
    assert [row.error and str(row.error) for row in found] == [
        None,
        "A cell of the spreadsheet has an error: #N/A.",
        None,
    ]


def test_texts_are_read_as_excel_stores_them() -> None:
    rows = "".join(f'<row><c t="s"><v>{number}</v></c></row>' for number in (0, 2, 1, 2))
    content = with_texts(rows, ["phone", "a", "ё"])
    assert (form_of(content).names, [row.cells for row in rows_of(content)]) == (("phone",), [["ё"], ["a"], ["ё"]])


def test_what_follows_the_rows_is_not_read() -> None:
    tail = "<hyperlinks>" + "x" * 2 * MAX_BETWEEN_ROWS
    sheet = f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row><x:c><x:v>7</x:v></x:c></x:row></x:sheetData >{tail}'
    content = with_parts(workbook_of(["a"]), {"xl/worksheets/sheet1.xml": sheet.encode()})
    assert form_of(content).names == ("7",)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (workbook_of(), "empty"),
        (workbook_of((None, "")), "empty"),
        (workbook_of(["phone"])[:-50], "cannot be read as XLSX"),
        (b"PK\x03\x04 xl/", "cannot be read as XLSX"),
        (with_parts(workbook_of(["phone"]), {"xl/workbook.xml": None}), "cannot be read as XLSX"),
        (with_parts(workbook_of(["phone"]), {"xl/workbook.xml": b"<a>"}), "cannot be read as XLSX"),
        (with_parts(workbook_of(["phone"]), {"xl/worksheets/sheet1.xml": None}), "cannot be read as XLSX"),
        (with_parts(workbook_of(["phone"]), {"xl/styles.xml": b"<x/>" * 2**21}), "unpacks to too much (xl/styles.xml)"),
        (with_sheet(HEADER + " " * (MAX_BETWEEN_ROWS + 2**17)), "cannot be read as XLSX"),
        (with_sheet(HEADER + '<row r="2">' + "<c/>" * 2**20), "cannot be read as XLSX"),
        (with_sheet(HEADER + '<row r="2"><c r="ZZZZZZZZZ2"><v>1</v></c></row>'), "cannot be read as XLSX"),
        (with_sheet(HEADER + '<row r="2"><c r="XFE2"><v>1</v></c></row>'), "cannot be read as XLSX"),
        (with_sheet(HEADER + '<row r="1"/>'), "cannot be read as XLSX"),
        (with_sheet(HEADER + '<row r="-7"/>'), "cannot be read as XLSX"),
        (with_sheet(HEADER + f'<row r="{"9" * 5000}"/>'), "cannot be read as XLSX"),
        (with_sheet(HEADER + '<row><c t="s"><v>99</v></c></row>'), "cannot be read as XLSX"),
        (with_sheet(HEADER + f'<row r="{10**15}"/>'), f"more than {MAX_ROWS} rows"),
        (with_sheet(f'<row r="{10**15}"/>'), f"more than {MAX_ROWS} rows"),
    ],
    ids=range(18),
)
def test_a_workbook_that_cannot_be_read_is_refused(content: bytes, expected: str) -> None:
    assert expected in refusal_of(content)


@pytest.mark.parametrize("name", ["xl/sharedStrings.xml", "xl/media/a.png", "xl/worksheets/a.xml", "texts.bin"])
def test_a_part_has_the_limit_of_its_use_wherever_the_archive_has_it(name: str) -> None:
    content = with_texts("", ["phone"])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        types = archive.read("[Content_Types].xml").replace(b"xl/sharedStrings.xml", name.encode())
    moved = {"[Content_Types].xml": types, "xl/sharedStrings.xml": None, name: bytes(25 * 2**20)}
    assert refusal_of(with_parts(content, moved)).startswith(f"The XLSX file unpacks to too much ({name})")


def test_pictures_and_other_parts_that_are_not_read_may_be_large() -> None:
    parts = dict.fromkeys(["xl/media/a.png", "xl/pivotCache/a.xml", "xl/comments1.xml"], bytes(25 * 2**20))
    assert form_of(with_parts(workbook_of(["phone"]), parts)).names == ("phone",)


def test_a_number_that_is_no_date_is_read_as_a_number_also_in_a_column_of_dates() -> None:
    workbook = Workbook()
    for row, value in enumerate(["phone", 79774053329, 46023], 1):
        workbook.active.cell(row, 1, value).number_format = "yyyy-mm-dd"
    written = io.BytesIO()
    workbook.save(written)
    assert [row.cells for row in rows_of(written.getvalue())] == [["79774053329"], ["2026-01-01"]]


def test_entities_that_grow_are_refused() -> None:
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 20}">' for n in range(1, 9))
    cell = f'<worksheet xmlns="{MAIN}"><sheetData><row><c t="str"><v>&l8;</v></c></row></sheetData></worksheet>'
    sheet = f'<!DOCTYPE w [<!ENTITY l0 "{"x" * 99}">{lol}]>{cell}'
    content = with_parts(workbook_of(["phone"]), {"xl/worksheets/sheet1.xml": sheet.encode()})
    assert "cannot be read as XLSX" in refusal_of(content)


def test_a_text_that_is_used_by_every_cell_is_in_memory_once_and_its_long_rows_are_refused() -> None:
    row = "<row>" + '<c t="s"><v>1</v></c>' * 300 + "</row>"
    content = with_texts('<row><c t="s"><v>0</v></c></row>' + row * 60, ["phone", "x" * 32_000])
    tracemalloc.start()
    try:
        errors = {str(row.error) for row in rows_of(content, 1)}
        assert errors == {"The row is longer than 4096 characters."}
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


def test_the_memory_does_not_grow_with_the_rows() -> None:
    styled = "".join(f'<row r="{n}" ht="15" customHeight="1"><c r="A{n}"><v>{n}</v></c></row>' for n in range(2, 8_000))
    content = with_sheet(HEADER + styled)
    tracemalloc.start()
    try:
        assert sum(1 for _ in rows_of(content)) == 7_998
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


def test_any_damage_of_a_workbook_is_read_or_refused() -> None:
    content = bytearray(workbook_of(("phone", "tag"), *(("79770000001", "vip") for _ in range(20))))
    chance = random.Random(1)
    for _ in range(depth(full=300, quick=60)):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 5)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with suppress(BadInput):
            list(rows_of(bytes(damaged)))


def test_any_damage_of_the_parts_of_a_workbook_is_read_or_refused() -> None:
    cells = '<row><c t="s"><v>0</v></c></row><row><c s="0"><v>79770000001</v></c></row>'
    content = with_texts(cells, ["phone"])
    chance = random.Random(2)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if not name.startswith("docProps")]
        parts = {name: archive.read(name) for name in names}
    for _ in range(depth(full=300, quick=60)):
        name = chance.choice(names)
        part = bytearray(parts[name])
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(part))
            part[at : at + chance.randint(0, 9)] = chance.choice([b"", b"9", b'"', b">", b"-1", b"A", b"/"])
        with suppress(BadInput):
            list(rows_of(with_parts(content, {name: bytes(part)})))
