"""The data files of a zoo, read into records, and the wording of the numbers in them."""
