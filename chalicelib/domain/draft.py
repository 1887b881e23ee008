"""A draft: what was typed into the form of a mailing or a series, before it is launched.

Its fields may be wrong or missing: they are checked when the draft is. A launched draft no longer changes, so that what
was checked is what is launched.
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


@dataclass(frozen=True)
class Launch:
    """What a draft has become: a mailing or a series. `id`: reserved before that is written.

    `of_version`: the version of the draft that was checked. `is_complete`: the mailing or series was written.
    """

    id: int
    is_series: bool
    of_version: int
    is_complete: bool = False


@dataclass(frozen=True)
class Draft:
    """`author` began it. `page`: the page in a browser that saved it last. `version` changes with each write."""

    id: int
    author: str
    created_at: datetime
    changed_at: datetime
    form: Form
    page: str = ""
    launch: Launch | None = None
    version: int = 1

    @property
    def expires_at(self) -> datetime:
        return self.changed_at + KEPT_FOR

    @property
    def text(self) -> str:
        """The text as far as it is typed."""
        return self.form.get("message_text", [""])[-1]


def saved(draft: Draft, form: Form, page: str, now: datetime) -> Draft:
    """The draft with what is typed now. What does not change is not written."""
    return draft if form == draft.form else replace(draft, form=form, page=page, changed_at=now)


def launching(draft: Draft, new_id: int, is_series: bool) -> Draft:
    """The launch has begun: from now on the draft does not change, and a repetition of the launch has the same id."""
    return replace(draft, launch=Launch(new_id, is_series, draft.version))


def launched(draft: Draft) -> Draft:
    return replace(draft, launch=draft.launch and replace(draft.launch, is_complete=True))
