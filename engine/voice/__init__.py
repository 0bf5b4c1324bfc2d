"""One performer's voice: what the model remembers of a strike, their takes, what is learned."""
