"""The tables, each opened on first use, so that a worker loads only those that it uses."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..settings import Settings
    from .clock import Clock
    from .parameters import Parameter
    from .tables.audit import Audit
    from .tables.balances import Balances
    from .tables.breaker_reports import BreakerReports
    from .tables.clients import Clients
    from .tables.counters import Counters
    from .tables.drafts import Drafts
    from .tables.erasures import Erasures
    from .tables.idempotency_keys import IdempotencyKeys
    from .tables.imports import Imports
    from .tables.labels import Labels
    from .tables.mailings import Mailings
    from .tables.messages import Messages
    from .tables.rates import Rates
    from .tables.receipts import Receipts
    from .tables.reports import Reports
    from .tables.segments import Segments
    from .tables.series import SeriesTable
    from .tables.slices import Slices
    from .tables.spending import Spending
    from .tables.stop_list import StopList
    from .tables.text_templates import TextTemplates
    from .tables.timelines import Timelines
    from .tables.tokens import Tokens
    from .tables.users import Users


class OpenedTables:
    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock

    @cached_property
    def phone_key(self) -> Parameter:
        from .parameters import Parameter

        return Parameter(self.settings.phone_key_parameter)

    @cached_property
    def audit(self) -> Audit:
        from .tables.audit import Audit

        return Audit(self.settings.stack_name, self.settings.audit_retention_days, self.clock)

    @cached_property
    def balances(self) -> Balances:
        from .tables.balances import Balances

        return Balances(self.settings.stack_name, self.clock)

    @cached_property
    def breaker_reports(self) -> BreakerReports:
        from .tables.breaker_reports import BreakerReports

        return BreakerReports(self.settings.stack_name, self.clock)

    @cached_property
    def clients(self) -> Clients:
        from .tables.clients import Clients

        return Clients(self.settings.stack_name, self.audit, self.phone_key.value, self.clock)

    @cached_property
    def stop_list(self) -> StopList:
        from .tables.stop_list import StopList

        return StopList(self.settings.stack_name, self.audit, self.phone_key.value, self.clock)

    @cached_property
    def drafts(self) -> Drafts:
        from .tables.drafts import Drafts

        return Drafts(self.settings.stack_name, self.clock)

    @cached_property
    def erasures(self) -> Erasures:
        from .tables.erasures import Erasures

        return Erasures(self.settings.stack_name, self.audit, self.clock)

    @cached_property
    def imports(self) -> Imports:
        from .tables.imports import Imports

        return Imports(self.settings.stack_name, self.audit, self.clock)

    @cached_property
    def mailings(self) -> Mailings:
        from .tables.mailings import Mailings

        return Mailings(self.settings.stack_name, self.audit, lambda: self.drafts, self.clock)

    @cached_property
    def messages(self) -> Messages:
        from .tables.messages import Messages

        return Messages(self.settings.stack_name, self.settings.routes, self.clock)

    @cached_property
    def rates(self) -> Rates:
        from .tables.rates import Rates

        return Rates(self.settings.stack_name, self.clock)

    @cached_property
    def receipts(self) -> Receipts:
        from .tables.receipts import Receipts

        return Receipts(self.settings.stack_name, self.clock)

    @cached_property
    def segments(self) -> Segments:
        from .tables.segments import Segments

        return Segments(self.settings.stack_name, self.audit, self.clock)

    @cached_property
    def series(self) -> SeriesTable:
        from .tables.series import SeriesTable

        return SeriesTable(self.settings.stack_name, self.audit, self.drafts, self.clock)

    @cached_property
    def slices(self) -> Slices:
        from .tables.slices import Slices

        return Slices(self.settings.stack_name, self.clock)

    @cached_property
    def spending(self) -> Spending:
        from .tables.spending import Spending

        return Spending(self.settings.stack_name, self.clock)

    @cached_property
    def text_templates(self) -> TextTemplates:
        from .tables.text_templates import TextTemplates

        return TextTemplates(self.settings.stack_name, self.audit, self.clock)

    @cached_property
    def timelines(self) -> Timelines:
        from .tables.timelines import Timelines

        return Timelines(self.settings.stack_name, self.clock)

    @cached_property
    def tokens(self) -> Tokens:
        from .tables.tokens import Tokens

        return Tokens(self.settings.stack_name, self.audit, self.clock)

    @cached_property
    def users(self) -> Users:
        from .tables.users import Users

        return Users(self.settings.stack_name, self.audit, self.clock)

    @cached_property
    def labels(self) -> Labels:
        from .tables.labels import Labels

        return Labels(self.settings.stack_name, self.clock)

    @cached_property
    def idempotency_keys(self) -> IdempotencyKeys:
        from .tables.idempotency_keys import IdempotencyKeys

        return IdempotencyKeys(self.settings.stack_name, self.clock)

    @cached_property
    def reports(self) -> Reports:
        from .tables.reports import Reports

        return Reports(self.settings.stack_name, self.clock)

    @cached_property
    def counters(self) -> Counters:
        from .tables.counters import Counters

        return Counters(self.settings.stack_name, self.clock)
