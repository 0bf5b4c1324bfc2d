"""The bar model: a whole bar from the previous one, the chords and a pad, in one pass."""
