"""Evaluation: prompts, scorers and intervals make a result that can be trusted."""
