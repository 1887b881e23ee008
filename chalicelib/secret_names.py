"""Names of the secrets of a stack in SSM Parameter Store. All are SecureStrings."""

from __future__ import annotations


class SecretNames:
    """A part of the settings."""

    stack_name: str

    @property
    def gateway_token_parameter(self) -> str:
        """Name of the SecureString in SSM Parameter Store with the token for the gateway."""
        return f"/{self.stack_name}/gateway-token"

    @property
    def session_key_parameter(self) -> str:
        """Name of the SecureString with the key that signs the console's sessions."""
        return f"/{self.stack_name}/session-key"

    @property
    def oidc_secret_parameter(self) -> str:
        """Name of the SecureString with the secret of this service at the identity provider."""
        return f"/{self.stack_name}/oidc-client-secret"

    @property
    def phone_key_parameter(self) -> str:
        """Name of the SecureString with the key of the digests that stand for erased phone numbers."""
        return f"/{self.stack_name}/phone-key"

    @property
    def receipts_secret_parameter(self) -> str:
        """Name of the SecureString with the secret that the gateway sends with its delivery receipts."""
        return f"/{self.stack_name}/receipts-secret"
