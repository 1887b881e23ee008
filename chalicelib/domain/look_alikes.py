"""Letters of other scripts that look like Latin ones, from https://www.unicode.org/Public/security/latest/confusables.txt

Only letters that common fonts draw alike. Letters with accents stay as they are, because people see them.
"""

from __future__ import annotations

from unicodedata import normalize

CYRILLIC = str.maketrans(
    "\u0405\u0406\u0408\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u042c\u04ae\u050c\u051a\u051c"
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04af\u04bb\u0501\u051b\u051d",
    "SIJABEKMHOPCTYXbYGQWaeopcyxsijyhdqw",
)
GREEK = str.maketrans(
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u03b1\u03b3\u03b9\u03ba\u03bd\u03bf\u03c1\u03c5",
    "ABEZHIKMNOPTYXayikvopu",
)
OTHERS = str.maketrans(
    "\u0131\u0251\u0261\u0269\u028f\u0570\u0578\u057d\u0581\u0585"  # Latin beyond ASCII, Armenian
    "\u13a2\u13aa\u13ab\u13ac\u13b3\u13b7\u13bb\u13c3\u13d2\u13d9\u13da\u13de\u13df\u13e2\u13e6\u13f4",  # Cherokee
    "iagiyhnugoTAJEWMHZRVSLCPKB",
)
LATIN = {**CYRILLIC, **GREEK, **OTHERS}


def look_alike(one: str, other: str) -> bool:
    """Whether the texts look alike: capital and small, full-width and foreign letters, all kinds of spaces."""
    return not _keys(one).isdisjoint(_keys(other))


def _keys(text: str) -> set[str]:
    """Of the text as it is written, in capital and in small letters: some letters look alike in one case only."""
    words = " ".join(normalize("NFKC", text).split())
    return {spelling.translate(LATIN).casefold() for spelling in (words, words.upper(), words.lower())}
