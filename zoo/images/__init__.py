"""Image sets: their files and labels, whether they are known, and their pixels by a recipe."""
