"""Decide about one message of a batch: close it, keep it waiting, return it to the queue, or begin an attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..domain.admission import Admission, AdmissionDecision, admit
from ..domain.client import Client
from ..domain.consent import MARKETING
from ..domain.expiry import ExpiryCauses, expiry_reason, hours_at_the_end
from ..domain.mailing import Mailing
from ..domain.message import CANCELLED, EXPIRED, FAILED, Claim, Message, MessageKey
from ..domain.rate import UNLIMITED, Permit
from ..domain.sms import count_parts
from ..domain.template import filled_error, text_for
from ..texts import Text
from ..zones import zone
from .caches import ClientCache, MailingCache
from .posting import SECONDS_TO_SETTLE, Posting
from .rate_limits import Permits, limits_of
from .send_task import DONE, Result, SendTask
from .spending import least_cost
from .unposted import Unposted, without_write

if TYPE_CHECKING:
    from ..adapters.services import Services

WAIT_SECONDS = 30
CLAIM_MARGIN = timedelta(seconds=SECONDS_TO_SETTLE)


@dataclass(frozen=True)
class Attempt:
    """A task that is to be claimed and posted. The breaker has admitted it, and waits for its end.

    `permit`: when the post may begin. `timeout`: the longest time of the post, in seconds. `gateway`: its name.
    `tried_at`: the gateway of the attempt before; empty if none is known.
    `consent_at`: of the client's consent to marketing.
    """

    task: SendTask
    mailing: Mailing
    permit: Permit
    timeout: float
    gateway: str
    tried_at: str = ""
    consent_at: datetime | None = None

    @property
    def key(self) -> MessageKey:
        return self.mailing.message_key(self.task.client_id)

    def claim(self, now: datetime, wait: float) -> Claim:
        """`wait`: how long the claimed message may wait for a thread, in seconds."""
        begins_at = max(now, datetime.fromtimestamp(self.permit.at, UTC))
        until = begins_at + timedelta(seconds=wait + self.timeout) + CLAIM_MARGIN
        return Claim(self.key, until, self.gateway, self.mailing.purpose == MARKETING, self.consent_at)


class TaskHandler:
    """Decides about the tasks of one batch. The caller claims and posts the attempts, and writes the unposted."""

    def __init__(
        self, services: Services, mailings: MailingCache, clients: ClientCache, permits: Permits, posting: Posting
    ) -> None:
        self.services = services
        self.mailings = mailings
        self.clients = clients
        self.permits = permits
        self.posting = posting
        self._rows: dict[MessageKey, Message] = {}
        self._refreshed: set[int] = set()

    def prepare(self, tasks: Sequence[SendTask]) -> None:
        """Read the rows of these tasks, all of one mailing, that `begin` needs. Raises NotRead.

        They begin right afterwards, so one of them reads an outdated mailing again for all.
        """
        self._refreshed -= {task.mailing_id for task in tasks}
        keys = [key for task in tasks if (key := self._key_to_read(task)) is not None]
        if keys:
            for message in self.services.messages.existing(keys).values():
                self._rows[message.key] = message

    def begin(self, task: SendTask) -> Attempt | Result | Unposted:
        """An attempt, the result of a task that needs neither a post nor a write, or what is to be written."""
        client = self.clients.get(task.client_id)
        mailing = self.mailings.get(task.mailing_id)
        tried = self._is_tried(task, mailing)
        decision = self._decide(mailing, client, tried)
        if decision.admission != Admission.POST and task.mailing_id not in self._refreshed:
            mailing = self.mailings.refresh(task.mailing_id)  # the cached one may be out of date
            self._refreshed.add(task.mailing_id)
            decision = self._decide(mailing, client, tried)
        if mailing is None:
            return DONE
        match decision.admission:
            case Admission.POST if client is not None:
                return self._attempt(task, mailing, client, tried)
            case Admission.OUTSIDE_HOURS if client is not None:
                return Unposted(task, mailing, timezone=client.timezone, opens_at=decision.opens_at)
            case Admission.EXPIRE if client is not None:
                return Unposted(task, mailing, EXPIRED, self._expiry_reason(mailing, client))
            case Admission.CANCEL:
                return Unposted(task, mailing, CANCELLED, decision.reason)
            case Admission.HOLD:
                return DONE
            case _:
                return Result(delay=self._seconds_until(decision.opens_at))

    def abandon(self, attempt: Attempt) -> None:
        """The attempt has no claim: others have its permit, and its place at the breakers and in the rate."""
        self.permits.put_back(attempt.mailing, attempt.gateway, attempt.permit)
        self.posting.channels.leave(attempt)

    def _decide(self, mailing: Mailing | None, client: Client | None, tried: bool) -> AdmissionDecision:
        now, requires_consent = self.services.clock.now(), self.services.settings.require_consent
        return admit(mailing, client, now, zone, UNLIMITED, tried, requires_consent)

    def _key_to_read(self, task: SendTask) -> MessageKey | None:
        """A place in the canary is for the first claim. A feed queues some messages twice. With several gateways the
        row says where a message was tried: a round, or a release of local hours, may have queued it anew since.
        """
        mailing = self.mailings.get(task.mailing_id)
        if mailing is None or mailing.plan is None:
            return None
        may_be_tried = task.received.receive_count > 1 or mailing.rounds > 0 or mailing.window is not None
        was_tried_elsewhere = may_be_tried and self.services.settings.routes.are_several
        is_needed = mailing.awaits_canary or mailing.feed or was_tried_elsewhere
        return mailing.message_key(task.client_id) if is_needed else None

    def _is_tried(self, task: SendTask, mailing: Mailing | None) -> bool:
        """Whether the message was claimed before. Known only while the canary is open."""
        if mailing is None or mailing.plan is None or not mailing.awaits_canary:
            return False
        message = self._rows.get(mailing.message_key(task.client_id))
        return message is not None and message.attempts > 0

    def _is_done(self, key: MessageKey) -> bool:
        """Whether the message of a feed is known to be final: an attempt would take a permit in vain."""
        message = self._rows.get(key)
        return message is not None and message.is_final

    def _without_post(self, key: MessageKey) -> Result | None:
        """The result of a message that is final or has an attempt in progress: it needs no room under a limit.

        Its second queue message would pause a mailing that has just reached the limit with its last message.
        """
        return without_write(self.services.messages.get(key), self.services.clock.now())

    def _admit_to_canary(self, mailing_id: int) -> bool:
        """Called right before the first claim, so that a message that is not posted uses no place of the canary."""
        now = self.services.clock.now()
        mailing = self.services.mailings.admit_to_canary(mailing_id, now)
        if mailing is not None:
            self.mailings.put(mailing, now)
        return mailing is not None

    def _seconds_until(self, opens_at: datetime | None) -> int:
        if opens_at is None:
            return WAIT_SECONDS
        return max(1, int((opens_at - self.services.clock.now()).total_seconds()) + 1)

    def _attempt(self, task: SendTask, mailing: Mailing, client: Client, tried: bool) -> Attempt | Result | Unposted:
        """An attempt, if time, rate limit, breaker and canary allow it."""
        text = text_for(mailing, client)
        if error := filled_error(text):
            return Unposted(task, mailing, FAILED, error)
        timeout = self.posting.seconds_available(mailing)
        if timeout < self.posting.seconds_needed:
            return Result(delay=1)
        if mailing.feed and self._is_done(mailing.message_key(task.client_id)):
            return DONE
        if over_limit := self.posting.spending.over_limit(mailing, least_cost(self.services, count_parts(text))):
            return self._without_post(mailing.message_key(task.client_id)) or over_limit
        attempt = self._admitted(task, mailing, client, timeout)
        if isinstance(attempt, Result):
            return attempt
        try:
            if not mailing.awaits_canary or tried or self._admit_to_canary(mailing.id):
                return attempt
        except BaseException:
            self.abandon(attempt)
            raise
        self.abandon(attempt)
        return self._without_canary_place(task)

    def _without_canary_place(self, task: SendTask) -> Attempt | Result | Unposted:
        """The canary is full, or it has passed since the mailing was cached: then this message may be one that a round
        has queued since, and no round queues it again soon.
        """
        mailing = self.mailings.refresh(task.mailing_id)
        has_passed = mailing is not None and not mailing.awaits_canary
        return self.begin(task) if has_passed else DONE

    def _admitted(self, task: SendTask, mailing: Mailing, client: Client, timeout: float) -> Attempt | Result:
        """An attempt at the first gateway that has a turn for it soon, and whose breakers admit it.

        A message that no gateway has tried is surplus where its turn is more than a minute away, or where more messages
        wait for the adapted rate than it lets wait: then it tries the next gateway.
        """
        message = self._rows.get(mailing.message_key(task.client_id))
        routes = self.services.settings.routes
        tried_at, held = routes.tried_at(message), list[str]()
        surplus: Result | None = None
        for name in routes.next_for(client.operator_code, message):
            if surplus and name in routes.spares:
                continue
            permit = self.permits.next(mailing, name)
            if isinstance(permit, int):
                return Result(delay=permit)
            admitted: Attempt | Result | None = Result(awaits_feed=True)
            if permit is not None:
                admitted = self._admitted_at(Attempt(task, mailing, permit, timeout, name, tried_at, client.consent))
            if isinstance(admitted, Attempt) or (admitted and tried_at):
                return admitted
            if admitted is None:
                held.append(name)
            elif surplus is None or surplus.awaits_feed:
                surplus = admitted
        is_fed = limits_of(self.services.settings, mailing) is not None
        if surplus is None or (surplus.awaits_feed and held and not is_fed):
            return self.posting.channels.hold_back(mailing.id, held)
        return surplus

    def _admitted_at(self, attempt: Attempt) -> Attempt | Result | None:
        """Returns None if the breakers of its gateway hold it back, and a result if it has no turn there soon."""
        channels = self.posting.channels
        is_admitted = channels.admits(attempt)
        if is_admitted and channels.has_room(attempt):
            return attempt
        self.permits.put_back(attempt.mailing, attempt.gateway, attempt.permit)
        return channels.wait_for_turn(attempt) if is_admitted else None

    def _expiry_reason(self, mailing: Mailing, client: Client) -> Text:
        is_limited = limits_of(self.services.settings, mailing) is not None
        names = self.services.settings.routes.of(client.operator_code)
        causes = ExpiryCauses(is_limited, self.posting.channels.failure(mailing.id, names))
        return expiry_reason(mailing, client.timezone, hours_at_the_end(mailing, zone), causes)
