"""Edits of drawn pictures with exact targets: what is not asked to change stays to the pixel."""

from danqing.data.edits import seeing
from danqing.data.edits.base import TASKS, Change, Edit, EditSample, Task, change
from danqing.data.edits.compose import compose
from danqing.data.edits.figures import POSES, pose
from danqing.data.edits.stream import Edits, held_out
from danqing.data.edits.styles import STYLES
from danqing.data.edits.things import add, move, recolor, remove, replace_thing, resize
from danqing.data.edits.whole import background, reconstruct, restyle
from danqing.data.edits.writing import replace_text

__all__ = [
    "POSES",
    "STYLES",
    "TASKS",
    "Change",
    "Edit",
    "EditSample",
    "Edits",
    "Task",
    "add",
    "background",
    "change",
    "compose",
    "held_out",
    "move",
    "pose",
    "recolor",
    "reconstruct",
    "remove",
    "replace_text",
    "replace_thing",
    "resize",
    "restyle",
    "seeing",
]
