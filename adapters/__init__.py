"""Programs that answer for one framework each; `serve.py` is what runs them."""
