"""`danqing compress` and `danqing verify`: models in two thirds of their size, bit for bit."""

from pathlib import Path
from typing import Annotated

import tyro


def compress(
    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")],
    target: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="TARGET")],
    /,
) -> None:
    """Write a copy of a model that takes two thirds of the space and paints the same bits.

    Weights are bfloat16 numbers whose exponents hardly vary; only those are coded, so nothing is
    rounded. Files are made one after the other and a tensor at a time, in little memory. Run it
    again to go on where it stopped.

    Args:
        source: An embedded model, a folder, or a hub name such as Qwen/Qwen-Image.
        target: The folder to write.
    """
    from tqdm import tqdm

    from danqing.core.download import resolve
    from danqing.memory.compress import total_bytes
    from danqing.pipelines.compress import compress as run
    from danqing.pipelines.load import FILES

    folder = resolve(source, allow=FILES)
    with tqdm(total=total_bytes(folder), unit="B", unit_scale=True, dynamic_ncols=True) as bar:
        sizes = run(folder, target, bar.update)
    print(f"{target}: {sizes.bits:.2f} bits for each of {sizes.weights / 1e6:,.0f} M weights")


def verify(
    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")],
    /,
    *,
    forward: bool = False,
) -> None:
    """Check that every compressed weight of a model decodes to what it was made of.

    Args:
        folder: A folder that `danqing compress` wrote.
        forward: Also run the transformer with compressed and with plain weights, a block at a
            time, and compare what comes out bit by bit.
    """
    from tqdm import tqdm

    from danqing.memory.compress import measure, shards, verify_folder

    total = sum(2 * measure(file).weights for file in shards(folder))
    with tqdm(total=total, unit="B", unit_scale=True, dynamic_ncols=True) as bar:
        count = verify_folder(folder, bar.update)
    print(f"{folder}: {count} compressed weights are what they were")
    if forward:
        from danqing.pipelines.selftest import compare

        blocks = compare(folder)
        print(f"{folder}: {blocks} blocks give the same bits from compressed and plain weights")
