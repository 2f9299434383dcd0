"""Rules look at records and return verdicts. One rule is one small class with an id; see `base`."""
