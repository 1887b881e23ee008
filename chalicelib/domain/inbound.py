"""Inbound messages: the words with which a recipient refuses further messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .look_alikes import look_alike

STOP_WORDS = ("STOP", "STOPALL", "UNSUBSCRIBE", "СТОП", "ОТПИСКА", "ОТПИСАТЬСЯ", "ОТПИШИТЕ")
"""By default. None of them begins a text that means something else, as CANCEL and END do."""

LONGEST_WORD = 40
"""Characters of a stop word, which may be several words."""

LONGEST_START = 200
"""Characters of a text that are looked at. Stop words are at its beginning."""

BETWEEN = re.compile(r"""[\s.,:;!?/|()"«»…–—]+""")
"""Between two words, also without a blank. A hyphen joins them to another word."""

EDGES = re.compile(r"^[\W_]+|[\W_]+$")


@dataclass(frozen=True)
class Inbound:
    """A message to us, from this phone number as the provider writes it."""

    phone_number: str
    text: str

    def says_stop(self, stop_words: Iterable[str]) -> bool:
        """Whether the text begins with one of the words: in any case, with punctuation around each, in look-alikes."""
        said = _words(self.text[:LONGEST_START])
        return any(_begins(said, _words(word)) for word in stop_words)


def _begins(said: list[str], words: list[str]) -> bool:
    return words != [] and len(said) >= len(words) and look_alike(" ".join(said[: len(words)]), " ".join(words))


def _words(text: str) -> list[str]:
    return [word for one in BETWEEN.split(text) if (word := EDGES.sub("", one))]
