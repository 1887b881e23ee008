"""A draft: what was typed into the form of a mailing or a series, before it is launched.

Its fields may be wrong or missing: they are checked when the draft is. A launched draft no longer changes, so that what
was checked is what is launched. The launch of a mailing can be undone until the mailing starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

Form = Mapping[str, list[str]]
"""The values of each input of a form, as a browser submits them."""

DRAFT_ID = "draft_id"
"""The counter of the ids of drafts."""

KEPT_FOR = timedelta(days=30)
"""A draft is kept so long after its last change: longer than a form stays open in a tab."""

MAX_FORM = 200 * 1024
"""Bytes of a stored form. A row has at most 400 KB."""


UNDO_TIME = timedelta(seconds=10)
"""A mailing that a person launches starts no earlier than this after the launch."""


@dataclass(frozen=True)
class Launch:
    """What a draft has become: a mailing or a series. `of_version`: the version of the draft that was checked."""

    id: int
    is_series: bool
    of_version: int


@dataclass(frozen=True)
class Save:
    """The page in a browser that saves a draft, and how many saves of this page came before."""

    page: str = ""
    turn: int = 0


@dataclass(frozen=True)
class Draft:
    """`author` began it. `last_save`: what wrote the form. `version` changes with each write."""

    id: int
    author: str
    created_at: datetime
    changed_at: datetime
    form: Form
    last_save: Save = Save()
    launch: Launch | None = None
    version: int = 1

    @property
    def expires_at(self) -> datetime:
        return self.changed_at + KEPT_FOR

    @property
    def text(self) -> str:
        """The text as far as it is typed."""
        return self.form.get("message_text", [""])[-1]


def saved(draft: Draft, form: Form, save: Save, now: datetime) -> Draft:
    """The draft with what is typed now. What does not change is not written, nor what a later save has overtaken.

    A page that is left saves at once, while its earlier save may still be under way.
    """
    last = draft.last_save
    is_overtaken = save.page == last.page and save.turn < last.turn
    return draft if form == draft.form or is_overtaken else replace(draft, form=form, last_save=save, changed_at=now)


def earliest_start(now: datetime) -> datetime:
    """The earliest start of a mailing that is launched now, in whole seconds."""
    start = (now + UNDO_TIME).replace(microsecond=0)
    return start if start >= now + UNDO_TIME else start + timedelta(seconds=1)


def launched(draft: Draft, new_id: int, is_series: bool) -> Draft:
    return replace(draft, launch=Launch(new_id, is_series, draft.version))


def undone(draft: Draft, now: datetime) -> Draft:
    """The draft as it was before its launch. It is kept as long as after a change."""
    return replace(draft, launch=None, changed_at=now)
