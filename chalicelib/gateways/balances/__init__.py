"""The balance of an account, one file per SMS provider that tells it."""
