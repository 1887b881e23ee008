"""What goes wrong before or while deploying."""


class DeployFailed(Exception):
    """One line that says why, and what to do, for whoever ran it."""
