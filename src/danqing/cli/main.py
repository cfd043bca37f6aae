"""`danqing VERB ...`: one function a verb, whose docstring is its help.

Verb modules import nothing heavy at the top, so that help answers at once.
"""

import logging
import sys
from collections.abc import Sequence

import tyro

from danqing import __doc__ as description
from danqing.cli import arena, filter
from danqing.cli.annotate import annotate
from danqing.cli.compress import compress, verify
from danqing.cli.edit import edit
from danqing.cli.evaluate import compare, evaluate
from danqing.cli.generate import generate
from danqing.cli.info import info
from danqing.cli.inpaint import inpaint, outpaint
from danqing.cli.layers import layers
from danqing.cli.models import models
from danqing.cli.plan import plan
from danqing.cli.prefer import prefer
from danqing.cli.produce import produce
from danqing.cli.see import see
from danqing.cli.train import train
from danqing.core.errors import DanqingError

VERBS = {
    verb.__name__: verb
    for verb in (
        annotate,
        arena.arena,
        compare,
        compress,
        edit,
        evaluate,
        filter.filter,
        generate,
        info,
        inpaint,
        layers,
        models,
        outpaint,
        plan,
        prefer,
        produce,
        see,
        train,
        verify,
    )
}
GROUPS = {
    "arena": {
        verb.__name__.rstrip("_"): verb
        for verb in (
            arena.export,
            arena.import_,
            arena.judge,
            arena.pairs,
            arena.rate,
            arena.serve,
        )
    },
    "filter": {
        verb.__name__: verb
        for verb in (filter.calibrate, filter.export, filter.find, filter.plan, filter.run)
    },
}
"""Verbs of two words."""


def main(args: Sequence[str] | None = None) -> None:
    """Run one verb.

    A user's mistake costs one line and exit code 1, Ctrl-C one line and 130; a mistake of ours
    keeps its traceback.
    """
    logging.basicConfig(format="danqing: %(message)s", level=logging.WARNING)
    logging.getLogger("danqing").setLevel(logging.INFO)
    args = sys.argv[1:] if args is None else args
    verbs, prog, about = VERBS, "danqing", description
    if args and args[0] in GROUPS:
        first, *args = args
        verbs, prog, about = GROUPS[first], f"danqing {first}", VERBS[first].__doc__
    try:
        tyro.extras.subcommand_cli_from_dict(
            verbs,
            prog=prog,
            description=about,
            args=args,
            config=(tyro.conf.FlagCreatePairsOff,),
        )
    except DanqingError as error:
        sys.exit(f"danqing: {error}")
    except KeyboardInterrupt:
        print("\ndanqing: stopped.", file=sys.stderr)
        sys.exit(130)
