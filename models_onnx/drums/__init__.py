"""Which drum is it? A model that answers at every moment after the strike."""
