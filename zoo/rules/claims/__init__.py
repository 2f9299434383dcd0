"""Rules C: documented numbers against each other and against arithmetic."""
