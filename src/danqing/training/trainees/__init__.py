"""What can be trained; importing this package fills the registry."""

from danqing.training.trainees import adapter, text_to_image, vae
from danqing.training.trainees.base import Trainee, trainees
from danqing.training.trainees.text_to_image import TextToImageTrainee

__all__ = ["TextToImageTrainee", "Trainee", "adapter", "text_to_image", "trainees", "vae"]
