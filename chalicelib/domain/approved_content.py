"""What an approver approves of a mailing, and who has written it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .allowed_steps import FIXED_AFTER_START
from .mailing import Mailing

APPROVED: tuple[Callable[[Mailing], object], ...] = (
    *(FIXED_AFTER_START[name] for name in ("datetime_start", "purpose", "filter_tag", "filter_op_codes", "filter")),
    FIXED_AFTER_START["segment"],
    lambda mailing: mailing.datetime_end,
    lambda mailing: mailing.message_text,
    lambda mailing: mailing.sender,
    lambda mailing: mailing.window,
)
"""What an approver approves: text, sender, purpose, audience and times. A change withdraws the approval."""


def is_approval_withdrawn(before: Mailing, after: Mailing) -> bool:
    """Whether what an approver approves is another now."""
    return any(read(before) != read(after) for read in APPROVED)


def with_author(mailing: Mailing, name: str) -> Mailing:
    """The mailing with its author, who does not approve it."""
    return replace(mailing, authors=tuple(dict.fromkeys([*mailing.authors, name])))
