"""Package the app and deploy it as one CloudFormation stack: to AWS, LocalStack or MiniStack alike.

Speaks to AWS through boto3, so that AWS_ENDPOINT_URL is all it takes to deploy somewhere else.
"""

from .dependencies import SERVICES
from .errors import DeployFailed
from .package import ROOT, package
from .stack import deploy
from .stored_secrets import put_gateway_token, put_receipts_secret, put_session_key

__all__ = [
    "ROOT",
    "SERVICES",
    "DeployFailed",
    "deploy",
    "package",
    "put_gateway_token",
    "put_receipts_secret",
    "put_session_key",
]
