"""One folder a model: the card, the data it was made from, how to make it again, its scores."""
