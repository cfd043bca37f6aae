"""Names of weights: in memory as `transformers` has them, on disk as Qwen-Image published them.

Files hold the older layout (`model.layers.*`, `visual.*`), which `transformers` 4.52 and later
rename when they load; both layouts can be read, the older one is written.
"""

_NEWER = "model.language_model.", "model.visual."


def ours(name: str) -> str | None:
    """Return the name in memory of a weight on disk; None for the head, which only chats."""
    if name.startswith("lm_head."):
        return None
    if name.startswith(_NEWER):
        return name.removeprefix("model.")
    if name.startswith("model."):
        return f"language_model.{name.removeprefix('model.')}"
    return name


def published(name: str) -> str:
    """Return the name on disk of a weight in memory."""
    if name.startswith("language_model."):
        return f"model.{name.removeprefix('language_model.')}"
    return name
