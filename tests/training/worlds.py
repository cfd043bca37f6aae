"""Train recipes one after the other in one world; test_parallel has torchrun start it."""

import sys

from danqing.cli.main import main
from danqing.training.parallel.world import world

if __name__ == "__main__":
    with world():
        for path in sys.argv[1:]:
            main(["train", path])
