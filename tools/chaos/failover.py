"""A second gateway behind the one that a scenario attacks. It works all the time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from chalicelib.settings import Settings
from infra.deploy.stored_secrets import put_secrets
from infra.local.deployment import STACK_NAME
from infra.local.simulator import Simulator
from infra.local.stack import DevStack

FIRST, SECOND = "first", "second"


@contextmanager
def second_gateway(stack: DevStack) -> Iterator[Simulator]:
    """Deploy the stack with its gateway as the first of two. The second one follows the contract."""
    assert stack.simulator is not None
    second = Simulator().start()
    secrets = {FIRST: stack.simulator.token, SECOND: second.token}
    parameters = {
        f"{Settings(stack_name=STACK_NAME).gateway_token_parameter}-{name}": secrets[name] for name in secrets
    }
    put_secrets(STACK_NAME, parameters, receipts=True)
    stack.settings = replace(stack.settings, gateways=json.dumps(_gateways(stack, stack.simulator, second)))
    try:
        stack.deploy()
        yield second
    finally:
        second.stop()


def _gateways(stack: DevStack, first: Simulator, second: Simulator) -> list[dict[str, Any]]:
    settings = stack.settings
    given = {"sender": settings.sender, "options": json.loads(settings.options or "null")}
    return [
        {"name": FIRST, "gateway": settings.gateway, "url": first.gateway_url}
        | {name: value for name, value in given.items() if value},
        {"name": SECOND, "gateway": Settings.gateway, "url": second.gateway_url},
    ]
