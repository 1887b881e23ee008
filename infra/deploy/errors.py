"""The error of packaging, deploying and destroying."""


class DeployFailed(Exception):
    """One line with the reason and what to do."""
