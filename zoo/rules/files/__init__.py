"""Rules P and S: checkpoint files against their documents."""
