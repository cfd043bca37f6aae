"""Show that compressed weights give the very bits that plain ones give, on this machine.

The transformer runs one step of noise twice, block by block: once as it paints, decoding weights
as they are used and steered beforehand, once with each block's weights decoded into memory of
their own and steered in place. No more than one block is ever plain, so it runs where painting
does.
"""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from danqing.core.device import pick_device
from danqing.core.errors import CheckpointError
from danqing.core.seed import generator
from danqing.memory.packed import PackedTensor
from danqing.models.mmdit.block import MMDiTBlock
from danqing.models.mmdit.rope import Grid, rotation
from danqing.pipelines.load import load_mmdit, reader
from danqing.pipelines.steering import Steerer

SIDE, LENGTH, SIGMA = 8, 20, 0.6


@torch.no_grad()
def compare(folder: Path, watch: Callable[[int], object] = lambda block: None) -> int:
    """Run the transformer of a compressed model both ways; return how many blocks were compared.

    Args:
        folder: A model's folder.
        watch: Told of each block when it is done.

    Raises:
        CheckpointError: Files are missing or damaged, or a block gave other bits.
    """
    device = pick_device().device
    mmdit = load_mmdit(folder, torch.bfloat16, device, reader(packed=True))
    steerer = Steerer(mmdit, "selftest", keep=False)
    steerer.prepare([SIGMA])
    steering = steerer(SIGMA)

    drawn = generator(0)
    width = mmdit.config.width
    text = torch.randn(1, LENGTH, width, generator=drawn).to(device, torch.bfloat16)
    image = torch.randn(1, SIDE * SIDE, width, generator=drawn).to(device, torch.bfloat16)
    layouts = [[Grid(1, SIDE, SIDE)]]
    turn = rotation(layouts, LENGTH, SIDE * SIDE, mmdit.config.rope_axes, device=device)
    around = [turn, turn], [None, None], [None, None]

    flagged = mmdit.config.addition_t_cond
    addition = torch.zeros(1, dtype=torch.long, device=device) if flagged else None
    temb = mmdit.embed(mmdit.moment(SIGMA), addition)
    for number, block in enumerate(mmdit.blocks):
        block = cast(MMDiTBlock, block)
        plain = _plain(block)
        # Two branches, as under guidance; the second must find the first one's decoding good.
        given = [text, -text], [image, -image]
        ours = block(*given, steering.blocks[number], *around)
        theirs = [
            plain([t], [i], plain.steer(temb), [turn], [None], [None])
            for t, i in zip(*given, strict=True)
        ]
        same = all(
            torch.equal(stream[branch], theirs[branch][which][0])
            for which, stream in enumerate(ours)
            for branch in range(2)
        )
        if not same:
            raise CheckpointError(
                f"block {number} must give the same bits from compressed and plain weights, got "
                "others; run `danqing verify` on the folder, and report this if it finds nothing."
            )
        text, image = ours[0][0], ours[1][0]
        watch(number)
    return len(mmdit.blocks)


def _plain(block: MMDiTBlock) -> MMDiTBlock:
    """Return a block that shares nothing with one, all its weights decoded."""
    whole: dict[str, Tensor] = {
        name: tensor.plain() if isinstance(tensor, PackedTensor) else tensor.clone()
        for name, tensor in block.state_dict().items()
    }
    with torch.device("meta"):
        twin = MMDiTBlock(block.text.to_q.in_features, block.text.heads)
    twin.load_state_dict(whole, assign=True)
    return twin.eval()
