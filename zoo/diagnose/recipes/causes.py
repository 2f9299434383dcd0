"""What can be wrong with a recipe."""

ORDER, SCALE, MEAN = "recipe.channel_order", "recipe.scale", "recipe.mean_std"
SQUASH, CROP, RESIZE, DECODER = "recipe.squash", "recipe.crop", "recipe.resize", "recipe.decoder"
KNOWN = "recipe.known"
IN_EFFECT = "recipe.in_effect"  # no cause: the recipe that is suspected may as well be right
# The commonest first: of two variants that differ in nothing that was measured, the first one is named.
CAUSES = (ORDER, SCALE, MEAN, SQUASH, CROP, RESIZE, DECODER, KNOWN)
