"""The domain: values and decisions without AWS, the clock or the environment."""
