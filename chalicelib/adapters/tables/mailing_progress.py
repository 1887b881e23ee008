"""What workers write to the row of a mailing: counts, answers, releases, feeds and reconciliation rounds."""

from __future__ import annotations

from datetime import datetime

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from ...domain import rounds
from ...domain.brake import Answers, Refusals
from ...domain.counts import COUNT_NAMES, Counts
from ...domain.gateway_posts import PostsByGateway
from ...domain.mailing import RUNNING, Mailing
from ...errors import NotWritten
from .. import aws
from .base import code_of, conflicts, set_actions
from .gateway_columns import add_posts
from .mailing_row import MailingRow, is_open


class MailingProgress:
    """The part of the table of mailings that needs no decision: these writes leave the version as it is."""

    def add_counts(
        self,
        mailing_id: int,
        counts: Counts,
        now: datetime,
        last_post_at: datetime | None = None,
        reached_at: datetime | None = None,
        posts: int = 0,
        milliseconds: int = 0,
        by_gateway: PostsByGateway | None = None,
    ) -> Mailing | None:
        """Add to the counts and return the changed mailing. Raises NotWritten.

        A write whose answer is lost is not repeated: it would count twice, and with too few queued messages every batch
        would begin a reconciliation round. If it did not take effect, the next round counts the rows.
        Returns None if the mailing was deleted or has ended: its last reconciliation round has counted these messages.
        `last_post_at`: when the latest post of these messages began. `reached_at`: when the latest of them was queued.
        `posts`: how many calls of the gateway there were. `milliseconds`: how long they took together.
        `by_gateway`: posts of any mailing, if there are several gateways.
        """
        row = MailingRow(mailing_id)
        actions: list[Action] = [MailingRow.progress_at.set(now)]
        if last_post_at is not None:
            actions.append(MailingRow.last_post_at.set(last_post_at))
        if reached_at is not None:
            actions.append(MailingRow.reached_at.set(reached_at))
        if posts:
            actions += [MailingRow.posts.add(posts), MailingRow.post_milliseconds.add(milliseconds)]
        actions += add_posts(by_gateway or {})
        with aws.never_repeated():
            return self._update_open(row, actions + _add_actions(counts))

    def correct_counts(self, mailing_id: int, counts: Counts) -> None:
        """Add to the counts for a reconciliation round, which is no progress of the mailing. Raises NotWritten."""
        with aws.never_repeated():
            self._update_open(MailingRow(mailing_id), _add_actions(counts))

    def record_wait(self, mailing_id: int, waits_until: datetime) -> None:
        """Record until when messages wait that senders gave back without an attempt. Raises NotWritten."""
        self._update_open(MailingRow(mailing_id), [MailingRow.waits_until.set(waits_until)])

    def add_answers(self, mailing_id: int, answers: Answers, now: datetime) -> Mailing | None:
        """Add to the answers that the brake counts, and return the changed mailing. Raises NotWritten.

        A write whose answer is lost is not repeated: half as many doubtful answers would pause the mailing.
        Returns None if the mailing was deleted or has ended.
        """
        actions: list[Action] = [MailingRow.answers_since.set(MailingRow.answers_since | now)]  # if_not_exists
        actions += [
            getattr(MailingRow, f"answers_{name}").add(number)
            for name in ("clear", "doubtful", "off_contract")
            if (number := getattr(answers, name))
        ]
        with aws.never_repeated():
            return self._update_open(MailingRow(mailing_id), actions)

    def clear_answers(self, mailing_id: int) -> Mailing | None:
        """The brake counts answers anew."""
        return self._update_open(MailingRow(mailing_id), no_answers())

    def add_refusals(self, mailing_id: int, refusals: Refusals, now: datetime) -> Mailing | None:
        """As `add_answers`, for refusals for which no message is the cause."""
        actions: list[Action] = [MailingRow.refusals_since.set(MailingRow.refusals_since | now)]  # if_not_exists
        actions += [
            getattr(MailingRow, f"refusals_{name}").add(number)
            for name in ("credentials", "balance", "sender")
            if (number := getattr(refusals, name))
        ]
        with aws.never_repeated():
            return self._update_open(MailingRow(mailing_id), actions)

    def clear_refusals(self, mailing_id: int) -> Mailing | None:
        """The brake counts refusals anew."""
        return self._update_open(MailingRow(mailing_id), no_refusals())

    def admit_to_canary(self, mailing_id: int, now: datetime) -> Mailing | None:
        """Admit one more message to the canary. Returns the changed mailing, or None if the canary is full.

        A repeated write may count the message twice. A reconciliation round corrects the number (`canary_checked`).
        """
        actions: list[Action] = [MailingRow.canary_admitted.add(1), MailingRow.progress_at.set(now)]
        has_room = (MailingRow.status == RUNNING) & (MailingRow.canary_admitted < MailingRow.canary)
        return self._update_open(MailingRow(mailing_id), actions, has_room)

    def mark_fanned_out(self, mailing_id: int, total: int, now: datetime) -> Mailing | None:
        """Record that all slices are walked. `total` replaces the number of clients that was counted until now."""
        row = MailingRow(mailing_id)
        actions: list[Action] = [
            MailingRow.is_fanned_out.set(True),
            MailingRow.total.set(total),
            MailingRow.progress_at.set(now),
        ]
        return self._update_open(row, actions)

    def await_release(self, mailing_id: int, opens_at: datetime) -> None:
        """Record that messages wait for local hours that open at this moment."""
        self._update_open(MailingRow(mailing_id), [MailingRow.releases.add({int(opens_at.timestamp())})])

    def mark_released(self, mailing_id: int, opens_at: datetime, posting_since: datetime | None = None) -> None:
        """Record that no message waits for this moment any more. `posting_since`: now, if all messages waited."""
        actions: list[Action] = [
            MailingRow.releases.delete({int(opens_at.timestamp())}),
            MailingRow.awaits_hours.set(False),
        ]
        if posting_since is not None:
            actions.append(MailingRow.posting_since.set(posting_since))
        self._update_open(MailingRow(mailing_id), actions)

    def await_feed(self, mailing_id: int) -> None:
        """Record that messages wait in their rows for a feed. Raises NotWritten."""
        self._update_open(MailingRow(mailing_id), [MailingRow.awaits_feed.set(True)])

    def begin_feed(self, mailing: Mailing) -> Mailing | None:
        """Begin the next feed, in place of the present one. Returns None if another one has begun."""
        actions: list[Action] = [
            MailingRow.feed.set(mailing.feed + 1),
            MailingRow.is_feeding.set(True),
            MailingRow.awaits_feed.set(False),
        ]
        unchanged = MailingRow.feed == mailing.feed if mailing.feed else MailingRow.feed.does_not_exist()
        return self._update_open(MailingRow(mailing.id), actions, unchanged)

    def end_feed(self, mailing: Mailing) -> None:
        """Record that the feed has walked all rows, unless another one has begun."""
        unchanged = MailingRow.feed == mailing.feed
        self._update_open(MailingRow(mailing.id), [MailingRow.is_feeding.set(False)], unchanged)

    def begin_round(self, mailing: Mailing, now: datetime, requeues: str = "") -> Mailing:
        """Begin the next reconciliation round. Raises RowChanged if another one has begun."""
        begun = rounds.begun(mailing, now, requeues)
        row = MailingRow(mailing.id)
        actions = set_actions(MailingRow, {name: getattr(begun, name) for name in rounds.ROUND_FIELDS})
        actions.append(MailingRow.concluded_rounds.set(MailingRow.concluded_rounds | mailing.concluded_rounds))
        with conflicts():
            row.update(actions=actions, condition=MailingRow.rounds == mailing.rounds)
        return row.mailing()

    def continue_round(self, mailing: Mailing, now: datetime) -> None:
        """Record that jobs of the running round are queued again. Raises RowChanged if others have continued it."""
        is_same = (MailingRow.rounds == mailing.rounds) & (MailingRow.round_queued_at == mailing.round_queued_at)
        with conflicts():
            MailingRow(mailing.id).update(actions=[MailingRow.round_queued_at.set(now)], condition=is_same)

    def conclude_round(self, before: Mailing, after: Mailing) -> Mailing:
        """Conclude the current reconciliation round and correct the counts. Returns the changed mailing.

        Raises RowChanged if a decision was written, another round has begun, or this one is concluded: a write whose
        answer is lost is repeated, and must not correct the counts twice.
        """
        row = MailingRow(before.id)
        values = {"concluded_rounds": after.concluded_rounds, "round_requeues": after.round_requeues}
        if before.has_orders:
            values |= {"requeue": after.requeue, "resend": list(after.resend)}
        if before.window is not None:
            values |= {"awaits_hours": after.awaits_hours}
        actions = set_actions(MailingRow, values) + _add_actions(after.counts + -before.counts)
        is_same = (MailingRow.version == before.version) & (MailingRow.rounds == before.rounds)
        concluded = MailingRow.concluded_rounds
        is_running = concluded.does_not_exist() | (concluded < before.rounds)
        with conflicts():
            row.update(actions=actions, condition=is_same & is_running)
        return row.mailing()

    def _update_open(
        self, row: MailingRow, actions: list[Action], condition: Condition | None = None
    ) -> Mailing | None:
        """Returns None if the mailing was deleted or has ended, or if `condition` fails. Raises NotWritten."""
        try:
            row.update(actions=actions, condition=is_open() if condition is None else is_open() & condition)
        except UpdateError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return None
            raise NotWritten(f"mailing {row.id}") from error
        return row.mailing()


def _add_actions(counts: Counts) -> list[Action]:
    return [getattr(MailingRow, name).add(getattr(counts, name)) for name in COUNT_NAMES if getattr(counts, name)]


def no_answers() -> list[Action]:
    names = ("answers_clear", "answers_doubtful", "answers_off_contract", "answers_since")
    return set_actions(MailingRow, dict.fromkeys(names))


def no_refusals() -> list[Action]:
    names = ("refusals_credentials", "refusals_balance", "refusals_sender", "refusals_since")
    return set_actions(MailingRow, dict.fromkeys(names))
