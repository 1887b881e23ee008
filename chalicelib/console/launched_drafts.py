"""What the console says of a draft that was launched: it does not change any more."""

from __future__ import annotations

from ..domain.draft import Launch
from ..texts import Text


def reused_note(launch: Launch) -> Text:
    """Why other values are not saved."""
    if launch.is_series:
        return Text("console.form_reused_series", id=launch.id)
    return Text("console.form_reused", id=launch.id)


def used_note(launch: Launch, exists: bool) -> Text:
    """Why the draft cannot be filled in again. `exists`: its mailing or series is not deleted."""
    if not exists:
        return Text("console.form_used_deleted", id=launch.id)
    if launch.is_series:
        return Text("console.form_used_series", id=launch.id)
    return Text("console.form_used", id=launch.id)
