"""The approval of a second person for a mailing that reaches many clients: four eyes.

With APPROVAL_ABOVE a mailing starts held: its fan-out writes and counts the messages, and none is sent. The count
decides: a mailing to few clients goes on by itself, one to more waits until a person with the role `approver` approves
what it says. So it does not matter how the audience has grown since the announcement, nor who or what announced it.
"""

from __future__ import annotations

from ..texts import Text

COUNTING, AWAITED, GIVEN = "counting", "awaited", "given"
"""The state of a mailing's approval; empty: it needs none, or has not started."""

HELD = {COUNTING, AWAITED}
"""Nothing is sent, and no decision makes the mailing run."""

REASONS = {COUNTING: Text("approval.counting"), AWAITED: Text("approval.awaited")}
CODES = {reason.code for reason in REASONS.values()}
