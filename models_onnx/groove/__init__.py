"""The groove model: two bars as one point, and back."""
