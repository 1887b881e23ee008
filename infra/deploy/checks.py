"""Checks before a deploy: account, settings. All that is missing is reported at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import BadSettings
from chalicelib.settings import LOCAL_STAGE, Settings, read_settings

from .api_settings import incomplete_pairs
from .capacity import WARM_TABLES
from .errors import DeployFailed
from .gateway import gateway_problems, inbound_problems

LONGEST_STAGE = 16
"""The log groups are named `notifications-<stage>-<function>-...`; a longer stage would be truncated there."""

NONE = "none"
WORDS = "StopWords"
IN_JSON = {"Gateways", "GatewayOptions"}
OF_GATEWAY = ("Gateway", "BalanceAlarm")
"""How the names of the parameters begin that a gateway needs."""
SETTINGS = {setting.name.upper() for setting in fields(Settings)}
WHOLE, DECIMAL = re.compile(r"[0-9]+"), re.compile(r"-?[0-9]+([.][0-9]+)?")
STAGE = re.compile(rf"[a-z][a-z0-9-]{{0,{LONGEST_STAGE - 1}}}")


@dataclass(frozen=True)
class Account:
    """The target of a deploy; `arn` is the caller."""

    number: str
    arn: str
    region: str

    @property
    def partition(self) -> str:
        """`aws`, or another one, such as `aws-cn`."""
        return self.arn.split(":")[1]


def stack_name_of(stage: str) -> str:
    """All resources of a stage have this prefix, so stages share an account. Raises DeployFailed."""
    if not STAGE.fullmatch(stage) or stage == LOCAL_STAGE:
        raise DeployFailed(
            f"STAGE={stage or '?'}: a name such as prod or test-2, of at most {LONGEST_STAGE} characters, is expected; "
            f"the stage {LOCAL_STAGE} is for `make up`, `make localstack-deploy` and `make localstack-destroy`"
        )
    return f"notifications-{stage}"


def check_account() -> Account:
    try:
        sts = boto3.client("sts")
        caller = sts.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise DeployFailed(
            f"AWS does not accept the credentials: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (or AWS_PROFILE) and "
            f"AWS_DEFAULT_REGION ({error})"
        ) from error
    return Account(caller["Account"], caller["Arn"], sts.meta.region_name)


def read_parameters(
    environment: Mapping[str, str], known: Mapping[str, Any], before: Mapping[str, str] | None
) -> dict[str, str]:
    """Take the template's parameters from the environment: GatewayUrl from GATEWAY_URL. Raises DeployFailed.

    A parameter that is not set keeps its value from `before`, so both are checked together. `none` removes the value of
    one that is empty by default.
    """
    set_ones = {name: environment[_variable(name)] for name in known if environment.get(_variable(name), "") != ""}
    given = {name: _in_ascii(name, _without(value, known[name])) for name, value in set_ones.items()}
    given.pop("Stage", None)
    required = {name for name, parameter in known.items() if "Default" not in parameter} - {"Stage"}
    missing = [name for name in known if name in required - set(given) - set(before or {})]
    wrong = [f"{_variable(name)}: {known[name]['Description']}" for name in missing]
    together = {**(before or {}), **given}
    wrong += incomplete_pairs({_variable(name): value for name, value in together.items()})
    wrong += _wrong_settings(together)
    wrong += _wrong_numbers(given, known)
    wrong += inbound_problems(together)
    if wrong:
        raise DeployFailed("; ".join(wrong))
    return given


def _wrong_settings(parameters: Mapping[str, str]) -> list[str]:
    wrong = []
    try:
        settings_of(parameters)
    except BadSettings as bad:
        wrong.append(str(bad))
    with suppress(BadSettings):  # it is named by now
        of_gateway = settings_of({name: value for name, value in parameters.items() if name.startswith(OF_GATEWAY)})
        wrong += gateway_problems(of_gateway, parameters.get("GatewayUrl", ""))
    return wrong


def _wrong_numbers(given: Mapping[str, str], known: Mapping[str, Any]) -> Iterator[str]:
    """Of parameters that are no settings of the functions, which are checked with those."""
    for name, text in given.items():
        parameter = known[name]
        if name in WARM_TABLES or (parameter["Type"] == "Number" and _variable(name) not in SETTINGS):
            least, most = float(parameter.get("MinValue", "-inf")), float(parameter.get("MaxValue", "inf"))
            if not (_form_of(name).fullmatch(text) and least <= float(text) <= most):
                yield f"{_variable(name)}: {parameter.get('ConstraintDescription') or _expected(least, most)}"


def _form_of(name: str) -> re.Pattern[str]:
    """CloudFormation takes decimals for every number, and AWS refuses them later for most."""
    return WHOLE if name in WARM_TABLES or name.endswith(("Concurrency", "Reserved")) else DECIMAL


def _expected(least: float, most: float) -> str:
    return f"a number {f'from {least:g} to {most:g}' if most < float('inf') else f'of at least {least:g}'} is expected"


def settings_of(parameters: Mapping[str, str]) -> Settings:
    """The settings that the functions would read with these parameters. Raises BadSettings."""
    return read_settings({_variable(name): value for name, value in parameters.items()})


def _in_ascii(name: str, value: str) -> str:
    """CloudFormation shows other characters of a parameter as question marks to the next deploy, which checks it.

    Source: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/814
    """
    if value.isascii():
        return value
    if name == WORDS:
        return json.dumps(value.split(","))
    with suppress(ValueError):  # it is named with the other settings
        return json.dumps(json.loads(value)) if name in IN_JSON else value
    return value


def _without(value: str, parameter: Mapping[str, Any]) -> str:
    return "" if value == NONE and parameter.get("Default") == "" else value


def _variable(parameter: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", parameter).upper()
