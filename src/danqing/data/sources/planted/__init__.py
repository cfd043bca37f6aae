"""Pictures with planted faults, each labelled: what a recipe's filters should find, and should not.

Sound pictures are made of noise whose spectrum falls as that of photographs does, with edges of
curved and straight shapes in it, so that photometry sees what it would see in photographs. Every
fault is one change to a sound picture.
"""

from danqing.data.sources.planted.plant import Plant, encode
from danqing.data.sources.planted.scene import scene
from danqing.data.sources.planted.source import FAULTS, PLANTS, SOUND, Planted

__all__ = ["FAULTS", "PLANTS", "SOUND", "Plant", "Planted", "encode", "scene"]
