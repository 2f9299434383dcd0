"""Accuracy and speed of a checkpoint in a framework."""
