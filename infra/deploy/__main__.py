"""`make package`, `make deploy`, `make destroy`, and the settings of tables after a restore.

python -m infra.deploy package --stage prod                     writes the template and the zip
python -m infra.deploy deploy --stage prod [--plan]             --plan: says what would change, and changes nothing
python -m infra.deploy destroy --stage prod [--delete-tables]
python -m infra.deploy restore-settings --stage prod            after a restore of tables
python -m infra.deploy rehearse --stage trial                   in a throw-away account, see docs/FIRST_ACCOUNT.md
With AWS_ENDPOINT_URL: not to AWS.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import __version__
from chalicelib.settings import Settings

from . import DeployFailed, deploy, package, put_secrets
from .api_settings import access_logs
from .audit_lock import lock_notes
from .capacity import concurrency_notes, warm_parameters
from .checks import Account, check_account, read_parameters, settings_of, stack_name_of
from .destroy import destroy
from .gateway import Token, tokens_of, use_of_gateways
from .openid import client_secret
from .package import ROOT
from .quotas import email_notes, schedule_notes
from .rehearsal import PHONES, Rehearsal, rehearse, require_unused
from .restore_settings import restore_settings
from .rights import rights_note
from .runtime import compile_note, python_of
from .stack import Deployment, outputs_of, parameters_of, plan, prepare, require_ready
from .stack_settings import known_parameters, read_stack_settings
from .stored_secrets import encrypt_again, former_key, is_stored, restored_after_failure

GOES_ON = "CloudFormation goes on with what it has begun: wait until it has ended, then repeat the command"
INTERRUPTED = 130
"""As a shell says it: 128 and the number of SIGINT."""


def main() -> int:
    options = _arguments()
    try:
        stack_name = stack_name_of(options.stage)
        match options.command:
            case "package":
                _package(options.stage)
            case "deploy":
                _deploy(options.stage, stack_name, options.plan)
            case "restore-settings":
                _restore_settings(stack_name)
            case "rehearse":
                return _rehearse(options.stage, stack_name)
            case _:
                return _destroy(stack_name, options.delete_tables)
    except DeployFailed as failed:
        print(f"{options.command}: {failed}", file=sys.stderr)
        return 1
    except (ClientError, BotoCoreError) as error:
        print(f"{options.command}: AWS refused: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{options.command}: interrupted. {GOES_ON}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _package(stage: str) -> None:
    _print_note(compile_note(python_of(stage)))
    out = package(stage)
    for file in sorted(out.iterdir()):
        print(f"{file.relative_to(ROOT)}  {file.stat().st_size / 1e6:.1f} MB")


def _deploy(stage: str, stack_name: str, planned: bool) -> None:
    account = check_account()
    require_ready(stack_name)
    before = parameters_of(stack_name)
    settings = read_stack_settings(os.environ)
    template = json.loads((ROOT / "infra" / "stack.json").read_text())
    parameters = read_parameters(os.environ, known_parameters(template, os.environ, before), before)
    together = {**(before or {}), **parameters, "StackName": stack_name}
    parameters |= use_of_gateways(settings_of(together)) | former_key(before or {}, parameters)
    tokens = {} if planned else _secrets(settings_of(together))
    print(f"{stack_name} in account {account.number}, {account.region}: {_versions(stack_name, before)}")
    _print_note(rights_note(boto3.client("iam"), account, stack_name, settings.role))
    _print_note(compile_note(python_of(stage)))
    parameters |= _fit(account, stack_name, template, parameters, before or {})
    if planned:
        _plan(prepare(stage, stack_name, parameters, settings=settings))
        return
    values = {**(before or {}), **parameters}
    key = (before or values).get("KmsKeyArn", "")  # the functions may use a new one at the end of the deploy only
    with restored_after_failure(tokens, key):
        put_secrets(stack_name, tokens, values.get("Receipts") == "true", key)
        outputs = deploy(stage, stack_name, parameters, settings=settings)
    encrypt_again(stack_name, values.get("KmsKeyArn", ""))
    url = outputs["EndpointURL"].rstrip("/")
    if "ApiDomainTarget" in outputs:
        print(f"The DNS record of the domain leads to {outputs['ApiDomainTarget']} (CNAME, or an alias in Route 53)")
    print(f"API      {url}", f"console  {url}/console/", sep="\n")
    print("Commands for a first token and a first user of the console; each prints its secret once:")
    print(_invocation('{"make": "my scripts", "role": "admin"}', outputs["ManageTokensName"]))
    print(_invocation('{"make": "me", "role": "admin"}', outputs["ManageUsersName"]))


def _print_note(note: str | None) -> None:
    if note is not None:
        print(note)


def _versions(stack_name: str, before: Mapping[str, str] | None) -> str:
    if before is None:
        return f"a new stack of version {__version__}"
    return f"an update from version {outputs_of(stack_name).get('Version', '1.0.0 or earlier')} to {__version__}"


def _plan(deployment: Deployment) -> None:
    lines = plan(deployment)
    print("\n".join(lines) if lines else "Nothing would change.")
    print("This was a plan: the code was uploaded, and nothing else was changed.")


def _fit(
    account: Account,
    stack_name: str,
    template: Mapping[str, Any],
    parameters: Mapping[str, str],
    before: Mapping[str, str],
) -> dict[str, str]:
    """Print what the account and the tables allow. Returns the parameters that they change."""
    values = {**before, **parameters}
    reserved = int(before.get("SenderReserved") or 0)
    notes = concurrency_notes(boto3.client("lambda"), template, values, reserved)
    notes += email_notes(boto3.client("sesv2"), boto3.client("ses"), values)
    notes += schedule_notes(boto3.client("service-quotas"))
    notes += lock_notes(boto3.client("s3"), account, values)
    logs, logs_notes = access_logs(boto3.client("apigateway"), values)
    print("\n".join(notes + logs_notes))
    warm = warm_parameters(boto3.client("dynamodb"), stack_name, values)
    for name, value in warm.items():
        if value != values[name]:
            print(f"{name}: {value} instead of {values[name]}, because AWS does not lower a warm throughput")
    return warm | logs


def _invocation(payload: str, function: str) -> str:
    return f"  echo '{payload}' | aws lambda invoke --function-name {function} --payload fileb:///dev/stdin /dev/stdout"


def _secrets(settings: Settings) -> dict[str, str]:
    return {**_gateway_tokens(settings), **client_secret(settings, os.environ)}


def _gateway_tokens(settings: Settings) -> dict[str, str]:
    """The secrets to store, by the name of their parameter: from the environment, or asked for if none is stored."""
    found: dict[str, str] = {}
    for token in tokens_of(settings):
        value = token.given(os.environ)
        if value is None and not is_stored(token.parameter):
            value = token.given({token.variable: _ask(token)})
        if value is not None:
            found[token.parameter] = value
    return found


def _ask(token: Token) -> str:
    form = token.gateway.capabilities.key_form
    if not sys.stdin.isatty():
        raise DeployFailed(f"{token.variable}: {form} of the gateway {token.gateway.name} is expected once")
    return getpass.getpass(f"{form} of the gateway {token.gateway.name} (not shown): ")


def _destroy(stack_name: str, with_tables: bool) -> int:
    account = check_account()
    tables = "its TABLES AND SECRETS are deleted for good" if with_tables else "its tables and secrets stay"
    print(f"This deletes {stack_name} in account {account.number}, {account.region}, and its import files; {tables}.")
    if not _is_confirmed(stack_name):
        return 1
    kept = destroy(stack_name, with_tables)
    print(f"{stack_name} is deleted." + (f" Kept for its next deploy: {', '.join(kept)}." if kept else ""))
    return 0


def _restore_settings(stack_name: str) -> None:
    check_account()
    parameters = parameters_of(stack_name)
    if parameters is None:
        raise DeployFailed(f"there is no stack {stack_name}: the next deploy sets everything")
    template = json.loads((ROOT / "infra" / "stack.json").read_text())
    protected = parameters["DeletionProtection"] == "true"
    lines = restore_settings(boto3.client("dynamodb"), template, stack_name, protected)
    print(*(lines or ["Every table has its settings."]), sep="\n")


def _rehearse(stage: str, stack_name: str) -> int:
    account = check_account()
    template = json.loads((ROOT / "infra" / "stack.json").read_text())
    settings = read_stack_settings(os.environ)
    parameters = read_parameters(os.environ, known_parameters(template, os.environ, None), None)
    gateways = settings_of({**parameters, "StackName": stack_name})
    parameters |= use_of_gateways(gateways)
    tokens = {one.parameter: value for one in tokens_of(gateways) if (value := one.given(os.environ))}
    if missing := [one.variable for one in tokens_of(gateways) if one.parameter not in tokens]:
        raise DeployFailed(f"{missing[0]}: a rehearsal sends three messages through the gateway")
    require_unused(stack_name)
    print(f"This deploys, breaks and deletes {stack_name} in account {account.number}, {account.region}: half an hour.")
    print(f"It sends three messages to {' and '.join(PHONES)} through {', '.join(gateways.gateway_by_name)}.")
    if not _is_confirmed(stack_name):
        return 1
    results = rehearse(Rehearsal(stage, stack_name, parameters, tokens, settings))
    if results[-1].passed:
        return 0
    print(f"The rehearsal ended here. Remove what is left: make destroy STAGE={stage} TABLES=delete", file=sys.stderr)
    return 1


def _is_confirmed(stack_name: str) -> bool:
    with suppress(EOFError):  # nobody is there, as in CI
        if input("Type the name of the stack to continue: ").strip() == stack_name:
            return True
    print("Nothing was changed.")
    return False


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy")
    parser.add_argument("command", choices=["package", "deploy", "destroy", "restore-settings", "rehearse"])
    parser.add_argument("--stage", required=True)
    parser.add_argument("--plan", action="store_true", help="deploy: say what would change, and change nothing")
    parser.add_argument("--delete-tables", action="store_true", help="destroy: delete the tables and secrets as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
