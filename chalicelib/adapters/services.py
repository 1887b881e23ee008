"""Everything outside this process in one bundle, made from the settings and passed to the use cases.

Each part is made on first use, so that a worker loads only the parts that it uses. Tests pass a bundle of fakes.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ..settings import Settings
from .clock import Clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from ..domain.password import Passwords
    from ..gateways.asker import Asker
    from ..gateways.balances.port import GatewayBalances
    from ..gateways.configured import Configured
    from ..gateways.http_gateway import HttpGateway
    from ..gateways.opened import Gateways
    from ..gateways.port import Secret
    from .audit_bucket import AuditBucket
    from .files import Files
    from .identity_provider import IdentityProvider
    from .mailbox import Mailbox
    from .parameters import Parameter
    from .queues import Queue
    from .schedules import Schedules
    from .tables.audit import Audit
    from .tables.balances import Balances
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


class Services:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = Clock()

    def thread_pool(self, threads: int) -> Executor:
        """Threads for calls that mostly wait for an answer."""
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(threads)

    @cached_property
    def passwords(self) -> Passwords:
        from ..domain.password import Passwords

        return Passwords()

    @cached_property
    def audit(self) -> Audit:
        from .tables.audit import Audit

        return Audit(self.settings.stack_name, self.settings.audit_retention_days, self.clock)

    @cached_property
    def balances(self) -> Balances:
        from .tables.balances import Balances

        return Balances(self.settings.stack_name, self.clock)

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

        return Mailings(self.settings.stack_name, self.audit, self.clock)

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

        return SeriesTable(self.settings.stack_name, self.audit, self.clock)

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
    def mailbox(self) -> Mailbox:
        from .mailbox import Mailbox

        return Mailbox(keeps_emails=self.settings.is_local)

    @cached_property
    def counters(self) -> Counters:
        from .tables.counters import Counters

        return Counters(self.settings.stack_name, self.clock)

    @cached_property
    def send_queue(self) -> Queue:
        from .queues import Queue

        return Queue(self.settings.send_queue_url, self.clock)

    @cached_property
    def jobs_queue(self) -> Queue:
        from .queues import Queue

        return Queue(self.settings.jobs_queue_url, self.clock)

    @cached_property
    def imports_queue(self) -> Queue:
        from .queues import Queue

        return Queue(self.settings.imports_queue_url, self.clock)

    @cached_property
    def receipts_queue(self) -> Queue:
        from .queues import Queue

        return Queue(self.settings.receipts_queue_url, self.clock)

    @cached_property
    def asks_queue(self) -> Queue:
        from .queues import Queue

        return Queue(self.settings.asks_queue_url, self.clock)

    @cached_property
    def import_files(self) -> Files:
        from .files import Files

        return Files(self.settings.imports_bucket)

    @cached_property
    def audit_bucket(self) -> AuditBucket:
        from .audit_bucket import AuditBucket

        return AuditBucket(self.settings.audit_bucket, self.settings.audit_bucket_owner)

    @cached_property
    def dead_letters(self) -> Queue:
        from .queues import Queue

        return Queue(self.settings.dead_letters_url, self.clock)

    @cached_property
    def schedules(self) -> Schedules:
        from .schedules import Schedules

        settings = self.settings
        return Schedules(settings.stack_name, settings.start_mailing_arn, settings.scheduler_role_arn, self.clock)

    @cached_property
    def session_key(self) -> Parameter:
        from .parameters import Parameter

        return Parameter(self.settings.session_key_parameter)

    @cached_property
    def identity_provider(self) -> IdentityProvider:
        from .identity_provider import IdentityProvider
        from .parameters import Parameter

        settings = self.settings
        secret = Parameter(settings.oidc_secret_parameter)
        return IdentityProvider(settings.oidc_issuer, settings.oidc_client_id, secret, settings.is_local)

    @cached_property
    def phone_key(self) -> Parameter:
        from .parameters import Parameter

        return Parameter(self.settings.phone_key_parameter)

    @cached_property
    def receipts_secret(self) -> Parameter:
        from .parameters import Parameter

        return Parameter(self.settings.receipts_secret_parameter)

    @cached_property
    def gateway_secrets(self) -> Mapping[str, Secret]:
        """By the name of the gateway; an empty one for a provider that needs none."""
        from .parameters import secrets_of

        return secrets_of(self.settings)

    @cached_property
    def gateway(self) -> Gateways:
        from ..gateways.opened import Gateways

        return Gateways({name: self._open_gateway(one) for name, one in self.settings.gateway_by_name.items()})

    @cached_property
    def gateway_balances(self) -> GatewayBalances:
        from .gateways import balances_of

        return balances_of(self.settings, self.gateway_secrets, self._open_gateway)

    def _open_gateway(self, configured: Configured) -> HttpGateway:
        from .gateways import open_gateway

        secret = self.gateway_secrets[configured.name]
        return open_gateway(self.settings, configured, secret, self.receipts_secret, self.clock)

    @cached_property
    def askers(self) -> Mapping[str, Asker]:
        """Of the providers that are asked about deliveries, by the name of the gateway."""
        from ..gateways.asker import Asker
        from ..gateways.receipts.registry import asked_form

        return {
            name: Asker(form, one.adapter_options, self.gateway_secrets[name], self._open_gateway(one).answer_to)
            for name, one in self.settings.gateway_by_name.items()
            if (form := asked_form(one.provider))
        }
