"""Foundations with no opinion about pictures; imports the standard library and torch only."""
