"""What each SMS provider expects and answers, one file each: for the simulators and for the tests of the adapters."""
