"""Finds out why a run's numbers differ from the documented ones: pure functions of what was measured.

Each look is a package with a function that gives `Findings`. Nothing here starts a worker, decodes an image or opens a
file: `zoo.jobs.looks` does that and hands the results in.
"""
