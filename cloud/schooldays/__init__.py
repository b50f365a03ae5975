"""A school's day: periods with outages over them, the check before the bell, the page of its principal."""
