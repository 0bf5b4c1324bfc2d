"""The performance model: what happens next in a free piano performance, every note with its end."""
