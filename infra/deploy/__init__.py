"""Package the app and deploy it as one CloudFormation stack, to AWS, LocalStack or MiniStack.

boto3 makes all calls, so AWS_ENDPOINT_URL alone chooses where the stack is deployed.
"""

from .dependencies import SERVICES
from .errors import DeployFailed
from .package import ROOT, package
from .stack import deploy
from .stored_secrets import put_gateway_token, put_secrets, receipts_secret

__all__ = [
    "ROOT",
    "SERVICES",
    "DeployFailed",
    "deploy",
    "package",
    "put_gateway_token",
    "put_secrets",
    "receipts_secret",
]
