"""Chat: networks that look at pictures and answer questions, here or behind a URL."""

from danqing.scorers.chat.base import (
    PATIENCE,
    Answer,
    AnyChat,
    Chat,
    Place,
    Question,
    chats,
    heard,
)
from danqing.scorers.chat.cassette import Cassette, live
from danqing.scorers.chat.endpoint import Endpoint
from danqing.scorers.chat.local import Transformers

__all__ = [
    "PATIENCE",
    "Answer",
    "AnyChat",
    "Cassette",
    "Chat",
    "Endpoint",
    "Place",
    "Question",
    "Transformers",
    "chats",
    "heard",
    "live",
]
