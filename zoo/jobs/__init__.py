"""The work of each command, where measuring and judging meet."""
