"""Search: any of the district's things by a few letters of its name."""
