"""Would another recipe give the documented number? Recipes one change away, and what their race says.

`variants` makes the recipes, `standing` counts who is right on the same images, `verdicts` turns that into findings.
`zoo.jobs.race` runs them.
"""
