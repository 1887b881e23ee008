"""Adapters: everything outside the process, such as AWS, the SMS gateway and the clock, one module each."""
