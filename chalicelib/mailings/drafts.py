"""Keep drafts of mailings and series, check them, and launch each of them once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from ..domain.audit_record import Author
from ..domain.draft import DRAFT_ID, Draft, Form, Launch, Save, earliest_start, launched, saved, undone
from ..domain.mailing import MAILING_ID, SCHEDULED, Mailing
from ..domain.mailing_fields import MailingFields
from ..domain.series import SERIES_ID, Series
from ..domain.series_decisions import SeriesFields
from ..errors import BadInput, DraftChanged, NotFound, NotInThisStatus, Outdated
from ..representation import represent_mailing
from ..retries import retry_lost_races
from ..texts import Text
from . import lifecycle, series

if TYPE_CHECKING:
    from ..adapters.services import Services

Fields = MailingFields | SeriesFields


def new_draft_id(services: Services) -> int:
    """The draft is written when something is saved."""
    return services.counters.next_id(DRAFT_ID)


def find_draft(services: Services, draft_id: int) -> Draft | None:
    """None for a draft of which nothing is saved. Raises NotFound for an id that was never given out."""
    draft = services.drafts.get(draft_id, services.clock.now())
    if draft is None and not 0 < draft_id <= services.counters.last_id(DRAFT_ID):
        raise NotFound
    return draft


def get_draft(services: Services, draft_id: int) -> Draft:
    draft = services.drafts.get(draft_id, services.clock.now())
    if draft is None:
        raise NotFound
    return draft


def save_draft(
    services: Services, draft_id: int, form: Form, save: Save, author: str, require: Callable[[Draft], None]
) -> Draft:
    """`require` raises a Refusal if the draft, as it is now, may not be replaced by what is typed.

    A draft that was deleted meanwhile, in another tab, is written again: nothing that is typed is lost.
    """

    def attempt() -> Draft:
        now = services.clock.now()
        before = find_draft(services, draft_id)
        if before is None:
            draft = Draft(draft_id, author, now, now, form, save)
            services.drafts.add(draft, now)
            return draft
        after = saved(before, form, save, now)
        if after == before:
            return before
        require(before)
        return services.drafts.change(before, after)

    return retry_lost_races(services.clock, attempt)


def make_draft(services: Services, form: Form, author: str) -> Draft:
    """A new draft with these values."""
    return save_draft(services, new_draft_id(services), form, Save(), author, lambda _: None)


def delete_draft(services: Services, draft_id: int) -> None:
    """A launched draft is kept: it remembers its mailing, so that an old tab does not launch it again."""

    def attempt() -> None:
        draft = get_draft(services, draft_id)
        if draft.launch is None:
            services.drafts.remove(draft)

    retry_lost_races(services.clock, attempt)


def list_drafts(services: Services, before_id: int | None, limit: int) -> tuple[list[Draft], int | None]:
    """Drafts that are not launched, the newest first; a page may be short. And the `before_id` of the next page."""
    return services.drafts.newest(before_id, limit, services.clock.now())


def planned(services: Services, fields: Fields) -> Mailing | Series:
    """The mailing or series that the fields would make, without an id. Raises BadInput for what cannot be launched.

    A mailing that is over is no mistake for a program. A person who launches it has mistaken the dates.
    """
    if "repeat" in fields:
        return series.planned_series(services, cast(SeriesFields, fields))
    mailing = lifecycle.planned_mailing(services, fields)
    if mailing.is_over(services.clock.now()):
        raise BadInput({"datetime_end": [Text("draft.over")]})
    return mailing


def launch_draft(services: Services, draft: Draft, fields: Fields, author: Author) -> Launch:
    """Announce what the draft says, once. `fields`: what its form has.

    One transaction writes the mailing or series and the launch in the draft. A mailing starts no earlier than the time
    for an undo allows. Raises Outdated if the draft was changed meanwhile.
    """
    if draft.launch is not None:
        return draft.launch
    is_series = "repeat" in fields
    planned(services, fields)
    if not is_series:
        start = max(fields["datetime_start"], earliest_start(services.clock.now()))
        fields = cast(MailingFields, {**fields, "datetime_start": start})
    new_id = services.counters.next_id(SERIES_ID if is_series else MAILING_ID)
    after = launched(draft, new_id, is_series)
    try:
        if is_series:
            series.announce_series(services, cast(SeriesFields, fields), new_id, author, after)
        else:
            lifecycle.announce_mailing(services, fields, new_id, author, after)
    except DraftChanged:
        return _other_launch(services, draft)
    return cast(Launch, after.launch)


def _other_launch(services: Services, draft: Draft) -> Launch:
    """The launch of this version by another request, such as the same form submitted twice."""
    found = get_draft(services, draft.id).launch
    if found is None or found.of_version != draft.version:
        raise Outdated(())
    return found


def draft_of(services: Services, mailing: Mailing) -> Draft | None:
    """The draft to which an undo of the launch leads; None if there is nothing to undo."""
    if mailing.draft_id is None or mailing.status != SCHEDULED:
        return None
    return services.drafts.get(mailing.draft_id, services.clock.now())


def undo_launch(services: Services, draft_id: int, author: Author) -> None:
    """Delete the mailing, which has not started, and give the draft back: by one transaction.

    A repetition changes nothing. Raises NotInThisStatus for a series and after the start or a change of the mailing,
    NotFound if it was deleted.
    """

    def attempt() -> Mailing | None:
        draft = get_draft(services, draft_id)
        if draft.launch is None:
            return None
        if draft.launch.is_series:
            raise NotInThisStatus(Text("launch.not_undone"))
        mailing = lifecycle.get_mailing(services, draft.launch.id)
        if mailing.status != SCHEDULED or mailing.draft_id != draft.id:
            raise NotInThisStatus(Text("launch.not_undone"))
        record = author.record("mailing", mailing.id, represent_mailing(mailing), None, "launch undone")
        services.mailings.remove(mailing, record, undone(draft, services.clock.now()))
        return mailing

    mailing = retry_lost_races(services.clock, attempt)
    if mailing is not None:
        services.schedules.remove(mailing.id)


def exists(services: Services, launch: Launch) -> bool:
    """Whether the mailing or series of the launch is written, and not deleted."""
    return (services.series if launch.is_series else services.mailings).get(launch.id) is not None
