"""Train recipes one after the other in one world; test_parallel has torchrun start it."""

import sys

from danqing.core.config import load
from danqing.training.parallel.world import world
from danqing.training.recipe import Recipe, run

if __name__ == "__main__":
    with world():
        for path in sys.argv[1:]:
            run(load(Recipe, path))
