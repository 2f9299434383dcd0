"""One program for each framework; `serve.py` starts it."""
