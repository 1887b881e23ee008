"""Deploy to a running LocalStack and remove the stack: `make localstack-deploy`, `make localstack-destroy`, and the
commands of localstack-compose.yml.

python -m infra.local.localstack deploy                        to AWS_ENDPOINT_URL, with GATEWAY_URL and GATEWAY_TOKEN
python -m infra.local.localstack destroy                       the stack, with its tables and secrets
python -m infra.local.localstack front --port 8000             serve the published paths from its API Gateway

In a container the addresses of LocalStack and of the gateway are names of services: --shown-api and --shown-gateway are
the addresses that a person opens.
"""

from __future__ import annotations

import argparse
import os
import sys
from threading import Event
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.settings import Settings
from infra.deploy import DeployFailed
from infra.deploy.destroy import destroy, existing_tables
from infra.deploy.stack import outputs_of, parameters_of

from .deployment import AWS_URL, STACK_NAME, api_url, deploy_local, use_local_aws
from .front import Front
from .seed import LOCAL_TOKEN
from .simulator import DEFAULT_TOKEN
from .up import end_on_sigterm

DOMAINS_OF_AWS = tuple(
    f".{domain}"
    for domain in (
        "amazonaws.com",
        "amazonaws.com.cn",
        "amazonaws.eu",
        "api.aws",
        "api.amazonwebservices.com.cn",
        "api.amazonwebservices.eu",
    )
)
"""Source: partitions.json of botocore."""


def main() -> int:
    options = _arguments()
    end_on_sigterm()
    try:
        aws_url = require_localstack(os.environ.get("AWS_ENDPOINT_URL") or AWS_URL)
        use_local_aws(aws_url)
        match options.command:
            case "deploy":
                _deploy(aws_url, options.shown_api, options.shown_gateway)
            case "destroy":
                _destroy(aws_url)
            case _:
                _serve(aws_url, options.host, options.port)
    except (DeployFailed, ClientError, BotoCoreError, OSError) as error:
        print(f"localstack: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
    return 0


def require_localstack(url: str) -> str:
    """Return `url` if LocalStack responds there; raises DeployFailed. AWS itself is refused without a call."""
    if (urlsplit(url).hostname or "").endswith(DOMAINS_OF_AWS):
        raise DeployFailed(f"AWS_ENDPOINT_URL={url} is AWS itself: use `make deploy STAGE=...`")
    try:
        with urlopen(f"{url}/_localstack/health", timeout=5):  # noqa: S310
            return url
    except (URLError, OSError, ValueError) as error:
        raise DeployFailed(f"there is no LocalStack at {url}: start it, or set AWS_ENDPOINT_URL ({error})") from error


def _deploy(aws_url: str, shown_api: str, shown_gateway: str) -> None:
    require_no_leftovers()
    gateway_url = os.environ.get("GATEWAY_URL") or Settings().gateway_url
    outputs = deploy_local({"GatewayUrl": gateway_url}, os.environ.get("GATEWAY_TOKEN") or DEFAULT_TOKEN)
    url = shown_api or api_url(aws_url, outputs)
    print(f"API      {url}", f"console  {url}/console/", f"token    {LOCAL_TOKEN}", sep="\n")
    print(f"gateway  {shown_gateway or gateway_url}", flush=True)
    if not shown_api:
        print("To serve it on port 8000: .venv/bin/python -m infra.local.localstack front", flush=True)


def require_no_leftovers() -> None:
    """Raises DeployFailed if a deleted stack left its tables: AWS imports them into the next one, LocalStack cannot."""
    if parameters_of(STACK_NAME) is None and (tables := list(existing_tables(STACK_NAME))):
        raise DeployFailed(
            f"a deleted stack left tables, and LocalStack cannot import them: {', '.join(tables)}. "
            "Remove them with `make localstack-destroy`, or delete them one by one"
        )


def _destroy(aws_url: str) -> None:
    destroy(STACK_NAME, with_tables=True)
    print(f"{STACK_NAME} at {aws_url} is deleted, with its tables and secrets", flush=True)


def _serve(aws_url: str, host: str, port: int) -> None:
    front = Front(port, api_url(aws_url, outputs_of(STACK_NAME)), host)
    front.start()
    shown = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
    print(f"API      http://{shown}:{port}", flush=True)
    try:
        Event().wait()
    finally:
        front.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.localstack")
    parser.add_argument("command", choices=["deploy", "destroy", "front"])
    parser.add_argument("--shown-api", default="", help="deploy: address of the API to print, if it has another one")
    parser.add_argument("--shown-gateway", default="", help="deploy: address of the gateway to print, likewise")
    parser.add_argument("--host", default="127.0.0.1", help="front: address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="front: port to listen on (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
