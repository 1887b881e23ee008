"""What the brake counts, in the row of its mailing."""

from __future__ import annotations

from pynamodb.attributes import NumberAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment

from ...domain.brake import Answers, Refusals


class BrakeColumns:
    answers_clear = NumberAttribute(null=True)
    answers_doubtful = NumberAttribute(null=True)
    answers_off_contract = NumberAttribute(null=True)
    answers_since = Moment(null=True)
    refusals_credentials = NumberAttribute(null=True)
    refusals_balance = NumberAttribute(null=True)
    refusals_sender = NumberAttribute(null=True)
    refusals_since = Moment(null=True)

    def recorded_answers(self) -> Answers:
        return Answers(
            clear=int(self.answers_clear or 0),
            doubtful=int(self.answers_doubtful or 0),
            off_contract=int(self.answers_off_contract or 0),
            since=self.answers_since,
        )

    def recorded_refusals(self) -> Refusals:
        return Refusals(
            credentials=int(self.refusals_credentials or 0),
            balance=int(self.refusals_balance or 0),
            sender=int(self.refusals_sender or 0),
            since=self.refusals_since,
        )
