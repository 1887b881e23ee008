"""XLSX files for tests: as openpyxl writes them, and by hand."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openpyxl import Workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def workbook_of(*rows: Sequence[Any], sheets: Mapping[str, Iterable[Sequence[Any]]] | None = None) -> bytes:
    """A workbook with the rows in its first sheet, then the other `sheets`."""
    workbook = Workbook()
    for name, content in {"Клиенты": rows, **(sheets or {})}.items():
        sheet = workbook.create_sheet(name)
        for row in content:
            sheet.append(row)
    del workbook["Sheet"]
    written = io.BytesIO()
    workbook.save(written)
    return written.getvalue()


def with_parts(content: bytes, parts: Mapping[str, bytes | None]) -> bytes:
    """The archive with other parts; None removes one."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as before,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        names = dict.fromkeys([*before.namelist(), *parts])
        for name in names:
            part = parts[name] if name in parts else before.read(name)
            if part is not None:
                after.writestr(name, part)
    return written.getvalue()


def with_sheet(rows: str, content: bytes | None = None) -> bytes:
    """The workbook with this XML in `sheetData` of its first sheet."""
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    return with_parts(content or workbook_of(["Телефон"]), {"xl/worksheets/sheet1.xml": sheet.encode()})


def with_texts(rows: str, texts: Sequence[str]) -> bytes:
    """As Excel writes a workbook: the texts in a part of their own, and their numbers in the cells."""
    content = with_sheet(rows)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        types = archive.read("[Content_Types].xml").decode()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    items = "".join(f"<si><t>{text}</t></si>" for text in texts)
    parts = {
        "[Content_Types].xml": types.replace("</Types>", override).encode(),
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{items}</sst>'.encode(),
    }
    return with_parts(content, parts)


HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>phone</t></is></c></row>'
