"""Run folders: stored, merged and compared."""
