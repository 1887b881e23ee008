"""How the gateways of the settings are opened, for posts and for questions about the balance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..gateways.callback import Callback
from ..gateways.configured import Configured
from ..gateways.http_gateway import HttpGateway
from ..gateways.port import Secret
from ..gateways.registry import provider
from ..settings import Settings
from .clock import Clock

if TYPE_CHECKING:
    from ..gateways.balances.port import BalanceQuestion


def open_gateway(
    settings: Settings, configured: Configured, secret: Secret, receipts_secret: Secret, clock: Clock
) -> HttpGateway:
    is_called = settings.receipts and settings.receipts_url != "" and configured.capabilities.calls_back
    callback = Callback(settings.receipts_url, configured.name, receipts_secret) if is_called else None
    options = replace(configured.adapter_options, callback=callback, stack_name=settings.stack_name)
    adapter = provider(configured.provider).make_adapter(options)
    return HttpGateway(adapter, secret, clock.now, settings.sender_threads, callback=callback)


def balance_questions_of(
    settings: Settings, secrets: Mapping[str, Secret], open_: Callable[[Configured], HttpGateway]
) -> Mapping[str, BalanceQuestion]:
    """Loaded when they are asked: a sender that only posts needs none of it."""
    from ..gateways.balances.port import BalanceQuestion
    from ..gateways.balances.registry import balance_form

    asked = [settings.gateway_by_name[name] for name in settings.balance_limits]
    return {
        one.name: BalanceQuestion(
            balance_form(one.provider), one.adapter_options, secrets[one.name], open_(one).answer_to
        )
        for one in asked
    }
