"""What the conditioner is told: a short chat in which the user's turn holds pictures and prompt.

The system message says what to attend to, the user's turn carries the request, and the
assistant's turn is opened and left empty. Nothing is generated. The network reads the whole
chat, but only what comes after the *dropped* opening conditions the picture: it is the same
for every prompt. The sentences are interoperability constants: trained weights depend on
every character of them (Qwen-Image technical report, arXiv 2508.02324, and its released code).
"""

from dataclasses import dataclass, replace

from danqing.core.errors import RequestError
from danqing.core.registry import Registry
from danqing.models.conditioner.vision import EDIT_AREA, EDIT_PLUS_AREA

PICTURE_TOKEN = "<|image_pad|>"
"""Stands for a piece of a picture, and is repeated for each of them."""
PICTURE = f"<|vision_start|>{PICTURE_TOKEN}<|vision_end|>"

TURN = "<|im_start|>"
CLOSING = "<|im_end|>\n<|im_start|>assistant\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A chat with one hole for the pictures and one for the prompt."""

    system: str | None = None
    """What to attend to; None leaves the system message out."""
    picture: str | None = None
    """How the i-th picture is announced, `{}` standing for i; None takes no pictures."""
    between: str = ""
    """What stands between two pictures."""
    pictures: int | None = None
    """The exact number of pictures; None takes any number."""
    area: int | None = None
    """Pixels to which a picture is resized before it is shown; None: the processor's to decide."""
    drop_user_header: bool = True
    """Whether the opening of the user's turn is dropped along with the system message."""

    @property
    def dropped(self) -> str:
        """The opening that the network reads and the conditioning leaves out."""
        message = "" if self.system is None else f"{TURN}system\n{self.system}<|im_end|>\n"
        return f"{message}{TURN}user\n" if self.drop_user_header else message

    def render(self, prompt: str, pictures: int = 0) -> str:
        """Return the whole chat for a prompt that comes with some pictures.

        Raises:
            RequestError: The template does not take that many pictures.
        """
        header = "" if self.drop_user_header else f"{TURN}user\n"
        return f"{self.dropped}{header}{self._show(pictures)}{prompt}{CLOSING}"

    def _show(self, pictures: int) -> str:
        expected = 0 if self.picture is None else self.pictures
        if expected is not None and pictures != expected:
            raise RequestError(
                f"pictures must be {expected} with this model, got {pictures}; "
                "give as many, or choose another model."
            )
        if self.picture is None:
            return ""
        numbers = (str(i) for i in range(1, pictures + 1))
        return self.between.join(self.picture.replace("{}", number) for number in numbers)


_EACH = f"Picture {{}}: {PICTURE}"
"""How the later editing models are shown any number of pictures."""

_DESCRIBE = (
    "Describe the image by detailing the color, shape, size, texture, quantity, text, "
    "spatial relationships of the objects and background:"
)
_DESCRIBE_AND_CHANGE = (
    "Describe the key features of the input image (color, shape, size, texture, objects, "
    "background), then explain how the user's text instruction should alter or modify the image. "
    "Generate a new image that meets the user's requirements while maintaining consistency with "
    "the original input where appropriate."
)
_COMPREHEND = "Comprehend and analyze the provided prompt."

TEMPLATES: Registry[Template] = Registry("template")
"""Every template by name; the nano's have no system message, since its reader never chatted."""

for _name, _template in {
    "text_to_image": Template(system=_DESCRIBE),
    "edit": Template(system=_DESCRIBE_AND_CHANGE, picture=PICTURE, pictures=1, area=EDIT_AREA),
    "edit_plus": Template(system=_DESCRIBE_AND_CHANGE, picture=_EACH, area=EDIT_PLUS_AREA),
    "text_to_image_2_1": Template(system=_COMPREHEND, drop_user_header=False),
    "edit_2_1": Template(
        system=_COMPREHEND,
        picture="<image{}>" + PICTURE,
        between=" ",
        drop_user_header=False,
    ),
    "nano": Template(),
    "nano_edit": Template(picture=PICTURE, pictures=1),
    "nano_edit_plus": Template(picture=_EACH),
}.items():
    TEMPLATES.register(_name)(_template)


def with_pictures(template: Template) -> Template:
    """Return the template that takes any pictures and puts a prompt alone as this one does.

    Raises:
        RequestError: There is none: with pictures, the published models are told other things.
    """
    wanted = replace(template, picture=_EACH)
    for name in TEMPLATES:
        if TEMPLATES[name] == wanted:
            return TEMPLATES[name]
    raise RequestError(
        f"template must be nano to take pictures too, got {TEMPLATES.name_of(template)}; "
        "choose a model that was published for editing."
    )
