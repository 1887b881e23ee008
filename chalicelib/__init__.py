__version__ = "1.0.0"
"""The same as in pyproject.toml, which is not in the Lambdas' zip."""
