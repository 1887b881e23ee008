"""The encoding of a CSV file: UTF-8, UTF-16 or CP1251. Other encodings are refused by name.

UTF-8 is certain by its rules. Any bytes can be CP1251, so a file that is not UTF-8 is CP1251 only if its letters are
more usual in CP1251 than in the other Cyrillic encodings.
"""

from __future__ import annotations

import codecs
import re

from ..errors import BadInput
from ..texts import Text

UTF8, CP1251, KOI8_R, CP866 = "utf-8", "cp1251", "koi8-r", "cp866"
UTF16_LE, UTF16_BE = "utf-16-le", "utf-16-be"
UTF8_OR_CP1251 = "utf-8 or cp1251"
"""The beginning is ASCII, so the encoding is detected line by line."""

MARKS = {codecs.BOM_UTF8: UTF8, codecs.BOM_UTF16_LE: UTF16_LE, codecs.BOM_UTF16_BE: UTF16_BE}
UTF32_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)

LETTERS = "оеаинтсрвлкмдпуяыьгзбчйхжёюшцщэфъіїєўґ"
"""The letters of Russian, the most frequent first, then those of its neighbours. The rank of a letter is its place."""

SIGNS = {CP1251: "№«»—–…“”„’•°·\xa0", CP866: "№", KOI8_R: ""}
RANK_OF_A_SIGN, RANK_OF_ANYTHING_ELSE = 15, 40
LEAD = 3.0
"""By so much CP1251, the most common one, may be worse in the mean rank and is still taken."""

UNREADABLE = float(len(LETTERS))
"""A mean rank above that of the rarest letter."""

SAMPLE = 10_000
"""Bytes from which the Cyrillic encoding is detected; lines that are checked to be UTF-8."""

FIRST_NAME = 16
"""Bytes at the beginning that are part of a column's name. A zero after them is an error of its row."""

NOT_ASCII = re.compile(rb"[\x80-\xff]")
LINE_BREAK = re.compile(rb"[\r\n]")


def detect_encoding(head: bytes, is_complete: bool) -> tuple[str, int]:
    """The encoding, and the offset after the byte order mark. `is_complete`: the file has no more bytes.

    Raises BadInput, which names an encoding that is not accepted.
    """
    if head.startswith(UTF32_MARKS):
        raise _refusal("UTF-32")
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding, len(mark)
    if _alternates_with_zeros(head):
        raise BadInput.of_request(Text("file.utf16_without_mark"))
    if b"\0" in head[:FIRST_NAME]:
        raise BadInput.of_request(Text("file.not_text"))
    lines = _non_ascii_lines(head, is_complete)
    if not lines:
        return (UTF8 if is_complete else UTF8_OR_CP1251), 0
    rest = [line for line in lines if not _is_utf8(line)]
    if 2 * len(rest) <= len(lines):  # one damaged line does not turn a UTF-8 file into CP1251
        return UTF8, 0
    likely = _likely_encoding(b"\n".join(rest)[:SAMPLE])
    if likely is None:
        raise BadInput.of_request(Text("file.unknown_encoding"))
    if likely != CP1251:
        raise _refusal(likely.upper())
    return likely, 0


def decode(line: bytes, encoding: str) -> str:
    """U+FFFD replaces what cannot be read; the rules of the fields refuse it."""
    if encoding == UTF8_OR_CP1251:
        is_cp1251 = not _is_utf8(line) and _likely_encoding(line[:SAMPLE]) == CP1251
        encoding = CP1251 if is_cp1251 else UTF8
    return line.decode(encoding, "replace")


def _refusal(encoding: str) -> BadInput:
    return BadInput.of_request(Text("file.encoding", encoding=encoding))


def _alternates_with_zeros(head: bytes) -> bool:
    """Whether the beginning is ASCII in UTF-16, as the first row, which names the columns, mostly is."""
    first, second = set(head[0:32:2]), set(head[1:32:2])
    return len(head) > 3 and (first == {0}) != (second == {0})


def _non_ascii_lines(head: bytes, is_complete: bool) -> list[bytes]:
    """The last line of an incomplete head is left out: it may end inside a character."""
    end = len(head) if is_complete else max(head.rfind(b"\n"), head.rfind(b"\r")) + 1 or len(head)
    lines: list[bytes] = []
    at = 0
    while len(lines) < SAMPLE and (found := NOT_ASCII.search(head, at, end)):
        start = max(head.rfind(b"\n", at, found.start()) + 1, head.rfind(b"\r", at, found.start()) + 1, at)
        line_break = LINE_BREAK.search(head, found.end(), end)
        at = line_break.end() if line_break else end
        lines.append(head[start:at])
    return lines


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode(UTF8)
    except UnicodeDecodeError:
        return False
    return True


def _likely_encoding(sample: bytes) -> str | None:
    """The Cyrillic encoding in which the sample, which is not ASCII, has the most usual letters; None if in none."""
    ranks = {encoding: _mean_rank(sample.decode(encoding, "replace"), SIGNS[encoding]) for encoding in SIGNS}
    likely = min(ranks, key=lambda encoding: ranks[encoding] - LEAD * (encoding == CP1251))
    return likely if ranks[likely] <= UNREADABLE else None


def _mean_rank(text: str, signs: str) -> float:
    ranks = [
        _rank(text[at - 1 : at], character, text[at + 1 : at + 2], signs)
        for at, character in enumerate(text)
        if not character.isascii()
    ]
    return sum(ranks) / len(ranks)


def _rank(before: str, character: str, after: str, signs: str) -> int:
    """The rank of a letter or a sign. A letter in a Latin word is not Russian, nor a capital after a small letter."""
    if character in signs:
        return RANK_OF_ANYTHING_ELSE if before.isalpha() and after.isalpha() else RANK_OF_A_SIGN
    is_in_latin_word = any(beside.isascii() and beside.isalpha() for beside in (before, after))
    is_inner_capital = character.isupper() and before.islower()
    rank = LETTERS.find(character.lower())
    return RANK_OF_ANYTHING_ELSE if rank < 0 or is_in_latin_word or is_inner_capital else rank
