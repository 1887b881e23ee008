"""`make package`, `make deploy`, `make destroy`.

python -m infra.deploy package|deploy|destroy --stage prod [--delete-tables]      AWS_ENDPOINT_URL leads elsewhere
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys

from botocore.exceptions import BotoCoreError, ClientError

from . import DeployFailed, deploy, package, put_gateway_token, put_receipts_secret, put_session_key
from .checks import check_account, check_rights, read_parameters, stack_name_of
from .destroy import destroy
from .package import ROOT
from .stack import parameters_of
from .stored_secrets import has_gateway_token


def main() -> int:
    wanted = _arguments()
    try:
        stack_name = stack_name_of(wanted.stage)
        match wanted.what:
            case "package":
                _package(wanted.stage)
            case "deploy":
                _deploy(wanted.stage, stack_name)
            case _:
                return _destroy(stack_name, wanted.delete_tables)
    except DeployFailed as failed:
        print(f"{wanted.what}: {failed}", file=sys.stderr)
        return 1
    except (ClientError, BotoCoreError) as error:
        print(f"{wanted.what}: AWS refused: {error}", file=sys.stderr)
        return 1
    return 0


def _package(stage: str) -> None:
    out = package(stage)
    for file in sorted(out.iterdir()):
        print(f"{file.relative_to(ROOT)}  {file.stat().st_size / 1e6:.1f} MB")


def _deploy(stage: str, stack_name: str) -> None:
    account = check_account()
    before = parameters_of(stack_name)
    known = json.loads((ROOT / "infra" / "stack.json").read_text())["Parameters"]
    parameters = read_parameters(os.environ, known, before)
    note = check_rights(account)
    token = os.environ.get("GATEWAY_TOKEN") or _ask_gateway_token(stack_name)
    print(f"{stack_name} in account {account.number}, {account.region}: {'new' if before is None else 'an update'}")
    if note:
        print(note)
    if token:
        put_gateway_token(stack_name, token)
    put_session_key(stack_name)
    if {**(before or {}), **parameters}.get("Receipts") == "true":
        put_receipts_secret(stack_name)
    outputs = deploy(stage, stack_name, parameters)
    url = outputs["EndpointURL"].rstrip("/")
    print(f"API      {url}", f"console  {url}/console/", sep="\n")
    print("A first token, and a first user of the console, each shown once:")
    print(_invocation('{"make": "me", "role": "admin"}', outputs["ManageTokensName"]))
    print(_invocation('{"make": "me", "role": "admin"}', outputs["ManageUsersName"]))


def _invocation(payload: str, function: str) -> str:
    return f"  echo '{payload}' | aws lambda invoke --function-name {function} --payload fileb:///dev/stdin /dev/stdout"


def _ask_gateway_token(stack_name: str) -> str | None:
    """Once in the life of a stack; None where it is there already."""
    if has_gateway_token(stack_name):
        return None
    if not sys.stdin.isatty():
        raise DeployFailed("GATEWAY_TOKEN: the token that the SMS gateway wants is expected once, by the first deploy")
    return getpass.getpass("the SMS gateway's token (not shown): ")


def _destroy(stack_name: str, with_tables: bool) -> int:
    account = check_account()
    what = "ITS TABLES AND SECRETS, for good" if with_tables else "not its tables and secrets"
    print(f"This takes down {stack_name} in account {account.number}, {account.region}, with files of imports; {what}.")
    if input("Type the stack's name to go on: ").strip() != stack_name:
        print("Nothing was done.")
        return 1
    left = destroy(stack_name, with_tables)
    print(f"{stack_name} is down." + (f" Kept for its next deploy: {', '.join(left)}." if left else ""))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy")
    parser.add_argument("what", choices=["package", "deploy", "destroy"])
    parser.add_argument("--stage", required=True)
    parser.add_argument("--delete-tables", action="store_true", help="destroy: the tables and secrets as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
