"""The errors of packaging, deploying and destroying."""


class DeployFailed(Exception):
    """One line with the reason and what to do."""


class StillWorking(DeployFailed):
    """CloudFormation goes on: how it ends is not known."""
