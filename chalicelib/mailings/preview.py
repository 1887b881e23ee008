"""Before a mailing is announced: whom it would reach, and what it would cost in parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..domain.audience import Filter
from ..domain.sms import Length, measure
from ..domain.template import has_placeholders
from .audience import count_audience
from .examples import Example, sample_texts, worth_seeing
from .placeholders import require_known_placeholders

if TYPE_CHECKING:
    from ..adapters.services import Services
    from .launch import Launch


@dataclass(frozen=True)
class Preview:
    """`clients` are chosen as of now, `is_whole` unless counting them all took too long; None: no text yet.

    `launch`: when, and to whom, as far as that can be foreseen.

    Of a text with fields `length` is the longest and `parts_each` the mean of a sample, of which `examples` are some.
    """

    clients: int
    is_whole: bool
    length: Length | None
    examples: tuple[Example, ...] = ()
    parts_each: float | None = None
    launch: Launch | None = None

    @property
    def parts(self) -> int:
        """Of all messages together: what the gateway's owner charges for."""
        each = self.parts_each or (self.length.parts if self.length else 0)
        return round(self.clients * each)


def preview_mailing(
    services: Services, chosen: Filter, message_text: str, counted: tuple[int, bool] | None = None
) -> Preview:
    """`counted`: how many clients there are, and whether these are all, where it is known already."""
    require_known_placeholders(services, message_text)
    plain = preview_plain(message_text, *(counted or count_audience(services, chosen)))
    sample = sample_texts(services, chosen, message_text) if has_placeholders(message_text) else []
    if not sample:
        return plain
    lengths = [example.length for example in sample]
    longest = max(lengths, key=lambda length: (length.parts, length.units))
    parts_each = sum(length.parts for length in lengths) / len(lengths)
    return replace(plain, length=longest, examples=worth_seeing(sample), parts_each=parts_each)


def preview_plain(message_text: str, clients: int, is_whole: bool) -> Preview:
    """Of a text that everybody gets as it is."""
    return Preview(clients, is_whole, measure(message_text) if message_text else None)
