"""Drafts and templates of texts: the same on the fakes and on the real table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.draft import Draft, Save, launched, undone
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.text_template import TextTemplate
from chalicelib.errors import DraftChanged, RowChanged

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
DRAFT = Draft(1, "anna", NOW, NOW, {"message_text": ["Привет"], "filter_tag": ["a", "b"]}, Save("page", 2))


def test_a_draft_is_read_as_it_was_added_and_changed(services: Any) -> None:
    services.drafts.add(DRAFT, NOW)
    assert services.drafts.get(1, NOW) == DRAFT
    with pytest.raises(RowChanged):
        services.drafts.add(DRAFT, NOW)
    changed = services.drafts.change(DRAFT, launched(DRAFT, 7, is_series=True))
    assert services.drafts.get(1, NOW) == changed
    with pytest.raises(RowChanged):
        services.drafts.change(DRAFT, replace(DRAFT, last_save=Save("late")))
    with pytest.raises(RowChanged):
        services.drafts.remove(DRAFT)
    services.drafts.remove(changed)
    assert services.drafts.get(1, NOW) is None


def test_a_launch_and_its_undo_write_the_draft_and_the_mailing_together_or_neither(services: Any) -> None:
    services.drafts.add(DRAFT, NOW)
    changed = services.drafts.change(DRAFT, replace(DRAFT, last_save=Save("other")))
    mailing = Mailing(1, NOW, NOW + timedelta(hours=1), "Привет", draft_id=1)
    with pytest.raises(DraftChanged):
        services.mailings.add(mailing, None, launched(DRAFT, 1, is_series=False))
    assert services.mailings.get(1) is None
    services.mailings.add(mailing, None, launched(changed, 1, is_series=False))
    stored = services.drafts.get(1, NOW)
    assert (stored.launch.id, stored.launch.of_version) == (1, changed.version)
    assert services.mailings.get(1) == mailing
    for late in (stored, launched(changed, 2, is_series=False)):
        with pytest.raises(DraftChanged):
            services.mailings.add(replace(mailing, id=2), None, replace(late, version=changed.version))
    with pytest.raises(RowChanged):
        services.mailings.remove(replace(mailing, version=9), None, undone(stored, NOW))
    assert services.drafts.get(1, NOW) == stored
    services.mailings.remove(mailing, None, undone(stored, NOW))
    assert services.mailings.get(1) is None
    assert services.drafts.get(1, NOW) == replace(changed, version=stored.version + 1, changed_at=NOW)


def test_an_expired_draft_is_absent_before_it_is_deleted(services: Any) -> None:
    services.drafts.add(DRAFT, NOW)
    later = NOW + timedelta(days=30)
    assert services.drafts.get(1, later - timedelta(seconds=1)) == DRAFT
    assert services.drafts.get(1, later) is None
    assert services.drafts.newest(None, 10, later) == ([], None)
    again = replace(DRAFT, created_at=later, changed_at=later)
    services.drafts.add(again, later)
    assert services.drafts.get(1, later) == again


def test_the_newest_drafts_that_are_not_launched_are_listed_in_pages(services: Any) -> None:
    for number in range(1, 6):
        services.drafts.add(replace(DRAFT, id=number), NOW)
    third = services.drafts.get(3, NOW)
    services.drafts.change(third, launched(third, 1, is_series=False))
    found, following = services.drafts.newest(None, 3, NOW)
    assert ([draft.id for draft in found], following) == ([5, 4], 3)
    found, following = services.drafts.newest(following, 3, NOW)
    assert ([draft.id for draft in found], following) == ([2, 1], None)


def test_templates_are_listed_the_newest_first_and_removed_once(services: Any) -> None:
    made = [TextTemplate(number, f"no. {number}", "Привет, {имя}", "anna", NOW) for number in (1, 2, 3)]
    for one in made:
        services.text_templates.add(one)
    services.drafts.add(DRAFT, NOW)
    assert services.text_templates.newest(2) == made[:0:-1]
    assert services.text_templates.get(1) == made[0]
    with pytest.raises(RowChanged):
        services.text_templates.add(made[0])
    services.text_templates.remove(made[0])
    with pytest.raises(RowChanged):
        services.text_templates.remove(made[0])
    assert services.text_templates.get(1) is None
    assert services.drafts.get(1, NOW) == DRAFT, "a draft has an id of its own"
