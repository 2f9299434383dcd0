"""Causes that show when the first images of a run are answered again."""
