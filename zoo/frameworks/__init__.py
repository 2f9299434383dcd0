"""The frameworks: their table, their environments, and the workers that run in them."""
