"""Designed pages: a language of boxes, and scenarios written in it."""
