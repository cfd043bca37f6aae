"""All scenario templates: importing a family files its templates."""

from danqing.data.typeset.templates import (
    cards,
    comics,
    interface,
    kitchen,
    office,
    official,
    press,
    shop,
    slides,
    travel,
)
from danqing.data.typeset.templates.base import templates

FAMILIES = (cards, comics, interface, kitchen, office, official, press, shop, slides, travel)

__all__ = ["FAMILIES", "templates"]
