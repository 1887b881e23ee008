"""Adapters: everything outside the process, such as AWS and the clock, one module each."""
