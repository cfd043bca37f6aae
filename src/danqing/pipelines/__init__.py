"""Tasks: prompts to pictures, made of models and flow."""
