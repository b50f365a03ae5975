"""Time machine: any view as of any moment of the last 90 days, including what existed then."""
