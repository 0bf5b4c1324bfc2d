"""What the demos play: performances made from nothing, through the patches that come along."""
