"""From a request to pictures: settle what is open, let a task prepare, walk, finish.

The state is float32 and is cast at the transformer's door.
"""

import platform
from dataclasses import replace

import torch

from danqing import __version__
from danqing.core.errors import RequestError
from danqing.core.log import logger
from danqing.flow.samplers import Watch, ignore
from danqing.pipelines.control import controlled
from danqing.pipelines.edit import edit, framed
from danqing.pipelines.job import Job, walk
from danqing.pipelines.latents import parse_size
from danqing.pipelines.lead import lead
from danqing.pipelines.model import Model
from danqing.pipelines.over import paint_over, placed
from danqing.pipelines.record import Picture, Record, Result
from danqing.pipelines.request import Request
from danqing.pipelines.text_to_image import text_to_image

_log = logger(__name__)


class Pipeline(Model):
    """A model that takes requests."""

    def plan(self, request: Request) -> Record:
        """Return everything that will make the (first) picture of a request, nothing left open.

        Raises:
            RequestError: the size is not possible, or a control network was not loaded.
        """
        usual = self.defaults
        plan = Record(
            prompt=request.prompt,
            negative=usual.negative if request.negative is None else request.negative,
            size=parse_size(usual.wanted(request), usual.sizes, self.multiple),
            steps=usual.steps if request.steps is None else request.steps,
            guidance=usual.guidance if request.guidance is None else request.guidance,
            interval=usual.interval if request.interval is None else request.interval,
            sampler=usual.sampler if request.sampler is None else request.sampler,
            shift=request.shift,
            seed=request.seed,
            batch=request.batch,
            index=request.index or 0,
            model=self.identity.name,
            weights=self.identity.weights,
            loras=self.identity.loras,
            controls=tuple(
                controlled(control, self.leader(control.network).weights)
                for control in request.controls
            ),
            dtype=str(self.dtype).removeprefix("torch."),
            device=self.device.type,
            versions={
                "danqing": __version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
        )
        if request.sources:
            plan = framed(plan, request, usual, self.multiple)
        return plan if request.over is None else placed(plan, request, usual, self.multiple)

    def prepare(self, request: Request, plan: Record) -> Job:
        """Return what the task of a request, by which of its fields are given, makes of it.

        Raises:
            RequestError: the model does not do this task, or a control does not fit.
        """

        def task(plan: Record) -> Job:
            if request.sources:
                job = edit(self, plan, request.sources)
            else:
                job = text_to_image(self, plan)
            return lead(self, plan, request.controls, job)

        return task(plan) if request.over is None else paint_over(self, request, plan, task)

    @torch.no_grad()
    def paint(self, request: Request, watch: Watch = ignore) -> Result:
        """Paint what is requested; the same request gives the same bits on the same machine.

        Args:
            request: What to paint.
            watch: Sees every sampling step, on packed tokens; it may raise to stop.

        Raises:
            RequestError: the size is not possible, or the model does not do what is asked.
            CheckpointError: the networks gave something other than numbers.
        """
        if self.mmdit.config.layered:
            raise RequestError(
                "model must paint pictures, got one that takes them apart; "
                "choose a text-to-image model, or use danqing layers."
            )
        plan = self.plan(request)
        if doubt := self.defaults.doubt(plan.frame.shown if plan.frame else plan.size):
            _log.warning(doubt)
        job = self.prepare(request, plan)
        tokens = walk(self, plan, job, watch)
        kept = range(plan.batch) if request.index is None else [request.index]
        return Result(
            tuple(Picture(job.finish(tokens[k : k + 1]), replace(plan, index=k)) for k in kept),
            tokens[list(kept)],
        )
