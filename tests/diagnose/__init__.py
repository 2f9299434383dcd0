"""Why numbers differ."""
