"""Checkpoint files: found, downloaded, exported, inspected, and copied for a worker."""
