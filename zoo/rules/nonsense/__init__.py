"""Rule A201: whether answers make sense at all."""
