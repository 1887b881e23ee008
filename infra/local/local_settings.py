"""The settings of the local stack."""

from __future__ import annotations

import json
from dataclasses import dataclass

from chalicelib.gateways.registry import provider

from .providers.balances import BALANCES
from .providers.case import SMS
from .providers.registry import table_of
from .service import free_port

ANY_SENDER = SMS.sender
ANY_ALARM = "100"


@dataclass(frozen=True)
class LocalSettings:
    """Without `gateway_url` the simulator of the provider is used; without `state_dir` no state is kept.

    `gateway_token`: empty: the simulator's. `gateway_sender`: empty: none, or any that a provider needs.
    `gateway_options`: empty: none, or those of the simulator.
    `gateway_dedupes`: None: as the provider does.

    `simulator_port` is used if it is free; if it is in use, or None, the simulator gets any free port.
    `lambdas_aws_url` is the address at which the Lambdas call AWS, if it is not MiniStack's. MiniStack enforces IAM, as
    AWS does, unless it only has the tables of LocalStack. `counts_calls`: MiniStack records each call, see calls.py,
    which takes 3 % of its time. `whole_batches`: as AWS does, it passes up to 100 messages to a sender. Otherwise it
    passes at most ten, so that a small mailing has many batches.
    """

    port: int = 8000
    aws_port: int = 4566
    gateway: str = "contract"
    gateway_url: str = ""
    gateway_sender: str = ""
    gateway_options: str = ""
    gateway_token: str = ""
    state_dir: str = ""
    lambdas_aws_url: str = ""
    gateway_dedupes: bool | None = None
    receipts: bool = False
    receipts_url: str = ""
    gateway_rate: str = ""
    gateways: str = ""
    gateway_price: str = ""
    gateway_currency: str = ""
    daily_budget: str = ""
    balance_alarm: str = ""
    audit_bucket: str = ""
    inbound_topic: str = ""
    require_consent: bool = False
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_role_claim: str = ""
    oidc_name_claim: str = ""
    oidc_roles: str = ""
    oidc_only: bool = False
    approval_above: int = 0
    simulator_port: int | None = None
    enforces_iam: bool = True
    counts_calls: bool = False
    whole_batches: bool = True

    @property
    def token(self) -> str:
        """The value of GATEWAY_TOKEN."""
        return self.gateway_token or table_of(self.gateway).secret

    @property
    def sender(self) -> str:
        """The value of GATEWAY_SENDER. The simulators allow any."""
        is_missing = provider(self.gateway).CAPABILITIES.needs_sender and not self.gateway_url
        return self.gateway_sender or (ANY_SENDER if is_missing else "")

    @property
    def options(self) -> str:
        """The value of GATEWAY_OPTIONS. A simulator has those of its table, which `http` needs."""
        of_simulator = {} if self.gateway_url else table_of(self.gateway).options.values
        return self.gateway_options or (json.dumps(of_simulator) if of_simulator else "")

    @property
    def least_balance(self) -> str:
        """The value of BALANCE_ALARM. A simulator is asked if its provider tells a balance."""
        is_simulated = not self.gateway_url and not self.gateways and self.gateway in BALANCES
        return self.balance_alarm or (ANY_ALARM if is_simulated else "")

    @property
    def parameters(self) -> dict[str, str]:
        """Of the template. The address of the gateway comes with the simulator."""
        return {
            "Gateway": self.gateway,
            "GatewaySender": self.sender,
            "GatewayOptions": self.options,
            "GatewayDedupes": "auto" if self.gateway_dedupes is None else str(self.gateway_dedupes).lower(),
            "GatewayRate": self.gateway_rate,
            "Gateways": self.gateways,
            "GatewayPrice": self.gateway_price,
            "GatewayCurrency": self.gateway_currency,
            "DailyBudget": self.daily_budget,
            "BalanceAlarm": self.least_balance,
            "AuditBucket": self.audit_bucket,
            "InboundTopic": self.inbound_topic,
            "RequireConsent": str(self.require_consent).lower(),
            "OidcIssuer": self.oidc_issuer,
            "OidcClientId": self.oidc_client_id,
            "OidcRoleClaim": self.oidc_role_claim,
            "OidcRoles": self.oidc_roles,
            "OidcNameClaim": self.oidc_name_claim,
            "OidcOnly": str(self.oidc_only).lower(),
            "ApprovalAbove": str(self.approval_above),
        }


def any_settings() -> LocalSettings:
    """Settings with free ports: for the demo and the tests, which must not collide with a running stack."""
    return LocalSettings(port=free_port(), aws_port=free_port())
