"""Blinded pairs of pictures, votes on them, and ratings from the votes."""
