"""What each SMS provider reports and how it signs it, one file each: for the simulators and for the tests."""
