"""Everything outside this process in one bundle, made from the settings and passed to the use cases.

Each part is made on first use, so that a worker loads only the parts that it uses. Tests pass a bundle of fakes.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ..settings import Settings
from .clock import Clock
from .opened_tables import OpenedTables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from ..domain.password import Passwords
    from ..gateways.asker import Asker
    from ..gateways.balances.port import BalanceQuestion
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


class Services(OpenedTables):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, Clock())

    def thread_pool(self, threads: int) -> Executor:
        """Threads for calls that mostly wait for an answer."""
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(threads)

    @cached_property
    def passwords(self) -> Passwords:
        from ..domain.password import Passwords

        return Passwords()

    @cached_property
    def mailbox(self) -> Mailbox:
        from .mailbox import Mailbox

        return Mailbox(keeps_emails=self.settings.is_local)

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
    def balance_questions(self) -> Mapping[str, BalanceQuestion]:
        """By the name of the gateway; of those that tell a balance."""
        from .gateways import balance_questions_of

        return balance_questions_of(self.settings, self.gateway_secrets, self._open_gateway)

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
