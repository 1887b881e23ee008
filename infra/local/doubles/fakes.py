"""The services in memory: tables with the real conditions, queues that redeliver, a clock that tests set.

The contract tests in tests/adapters run on these fakes and on the real adapters.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

from chalicelib.domain.password import Cost, Passwords
from chalicelib.gateways.asker import Asker
from chalicelib.gateways.registry import provider
from chalicelib.settings import Settings

from .fake_access import FakeAudit, FakeAuditBucket, FakeIdempotencyKeys, FakeTokens, FakeUsers
from .fake_balances import FakeBalanceQuestions, FakeBalances
from .fake_breaker_reports import FakeBreakerReports
from .fake_clients import FakeClients, FakeCounters, FakeLabels, FakePhoneKey
from .fake_clock import FakeClock
from .fake_drafts import FakeDrafts, FakeTextTemplates
from .fake_erasures import FakeErasures
from .fake_gateway import FakeGateway, FakeMailbox, FakeReports
from .fake_imports import FakeFiles, FakeImports
from .fake_mailings import FakeMailings
from .fake_messages import FakeMessages, FakeReceipts
from .fake_queues import FakeQueue, FakeSchedules
from .fake_segments import FakeSegments
from .fake_series import FakeSeries
from .fake_slices import FakeRates, FakeSlices, FakeSpending
from .fake_stop_list import FakeStopList
from .fake_timelines import FakeTimelines
from .inline_pool import InlinePool


class FakeServices:
    """The same parts under the same names as chalicelib.adapters.services.Services."""

    def __init__(self, **settings: Any) -> None:
        self.settings = Settings(**{"stage": "local", "sender_threads": 1, **settings})
        self.clock = FakeClock()
        self.passwords = Passwords(Cost(4, 1, 1))
        self.counters = FakeCounters()
        self.audit = FakeAudit()
        self.audit_bucket = FakeAuditBucket()
        self.clients = FakeClients(self.audit)
        self.phone_key = FakePhoneKey()
        self.stop_list = FakeStopList(self.clients, self.audit)
        self.erasures = FakeErasures(self.clients, self.audit)
        self.drafts = FakeDrafts()
        self.mailings = FakeMailings(self.counters, self.audit, self.drafts)
        self.segments = FakeSegments(self.audit)
        self.text_templates = FakeTextTemplates(self.audit)
        self.series = FakeSeries(self.mailings, self.audit)
        self.messages = FakeMessages(self.settings.routes)
        self.receipts = FakeReceipts(self.mailings, self.messages)
        self.rates = FakeRates()
        self.slices = FakeSlices()
        self.timelines = FakeTimelines()
        self.spending = FakeSpending()
        self.balances = FakeBalances()
        self.breaker_reports = FakeBreakerReports()
        self.balance_questions = FakeBalanceQuestions()
        self.tokens = FakeTokens(self.audit)
        self.users = FakeUsers(self.audit)
        self.labels = FakeLabels()
        self.idempotency_keys = FakeIdempotencyKeys()
        self.reports = FakeReports()
        self.mailbox = FakeMailbox(self.clock)
        self.send_queue = FakeQueue(self.clock, visibility=90)
        self.jobs_queue = FakeQueue(self.clock, visibility=75)
        self.imports = FakeImports(self.audit)
        self.import_files = FakeFiles()
        self.imports_queue = FakeQueue(self.clock, visibility=150)
        self.receipts_queue = FakeQueue(self.clock, visibility=90)
        self.asks_queue = FakeQueue(self.clock, visibility=90)
        self.askers: dict[str, Asker] = {}
        self.dead_letters = FakeQueue(self.clock)
        self.schedules = FakeSchedules()
        first = next(iter(self.settings.gateway_by_name.values()))
        adapter = provider(first.provider).make_adapter(first.adapter_options)
        self.gateway = FakeGateway(self.clock, adapter)

    def thread_pool(self, threads: int) -> Executor:
        return InlinePool()
