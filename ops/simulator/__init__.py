"""The simulated district: who is in it, how its devices behave, and the real agents run against them."""
