"""Rules X: two runs compared with each other."""
