"""Settings of the API that depend on the account or on each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

PAIRS = {"API_DOMAIN": "API_CERTIFICATE_ARN", "GATEWAY_SUBNETS": "GATEWAY_SECURITY_GROUPS"}
"""Variables that are expected together."""

ACCESS_LOGS = "AccessLogs"
ALLOWED_CIDRS = "ApiAllowedCidrs"


def incomplete_pairs(values: Mapping[str, str]) -> Iterator[str]:
    """`values`: the parameters of the deploy by the names of their variables."""
    for one, other in PAIRS.items():
        for name, missing in ((one, other), (other, one)):
            if values.get(name) and not values.get(missing):
                yield f"{missing}: expected together with {name}"


def access_logs(apigateway: Any, values: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The parameter of access logs and notes about it. `apigateway`: a client. `values`: the parameters of the deploy.

    API Gateway writes logs with a role of the account, one in each region; without it AWS refuses a stage with logs.
    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
    """
    if values.get(ACCESS_LOGS, "auto") != "auto":
        return {}, []
    try:
        has_role = bool(apigateway.get_account().get("cloudwatchRoleArn"))
    except (BotoCoreError, ClientError) as error:
        return {}, [f"whether API Gateway may write access logs could not be read: {error}"]
    if has_role:
        return {ACCESS_LOGS: "true"}, []
    return {}, ["The API has no access log, because API Gateway has no role for logs in this region: docs/ACCOUNT.md"]


def mark_callers(template: Mapping[str, Any], values: Mapping[str, str]) -> None:
    """Write the allowed callers into the description of the API, so that a change of them deploys the API anew.

    A resource policy takes effect with the next deployment of the API, and SAM makes one when the text of the API's
    body changes, in which a parameter is only a reference.
    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-create-attach.html
    """
    if values.get(ALLOWED_CIDRS):
        body = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
        body["info"]["description"] = f"Callers: {values[ALLOWED_CIDRS]}"
