"""Programs that measure the suite itself; each is run as a file."""
