"""Fleet: the agents, whether they are there, how their clocks stand and whether their books close."""
