"""Scorers: a picture and what was asked for become a number with a reason."""
