"""The melody model: what comes next in a line, given all of it so far."""
