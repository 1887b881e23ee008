import gc

__version__ = "1.0.0"
"""The same as in pyproject.toml, which is not in the Lambdas' zip."""

gc.set_threshold(10_000)
"""New objects between two runs of the garbage collector. A cold start makes 75,000 objects that stay, and with the
default of 700 the runs take a tenth of its time. Set here, because each Lambda imports this first."""
