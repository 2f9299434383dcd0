"""Rules L: whether a time may be quoted, and how it compares."""
