"""Read rendered text with OCR and count the characters that come back, whatever their order.

python benchmarks/read_back.py --kind pure --count 60 --side 768
"""

import time
from collections import Counter

import tyro
from race import surroundings

from danqing.data.typeset import Refused, RenderedText
from danqing.scorers.ocr import normalized, read_lines


def main(*, kind: str = "pure", count: int = 60, side: int = 768, seed: int = 1) -> None:
    """Print the share of characters that were read, by language of the text.

    Args:
        kind: `pure`, `compositional` or `complex`.
        count: Pictures.
        side: Pixels of their usual side.
        seed: Which pictures.
    """
    print(surroundings(2))
    source = RenderedText(count=count, kinds={kind: 1.0}, side=side, seed=seed)
    asked, found = Counter[str](), Counter[str]()
    refused = 0
    began = time.perf_counter()
    for number in range(count):
        try:
            picture = source.picture(number)
        except Refused:
            refused += 1
            continue
        want = Counter(normalized("".join(string.text for string in picture.strings)))
        got = Counter(normalized("".join(line.text for line in read_lines(picture.image))))
        asked[picture.language] += want.total()
        found[picture.language] += (want & got).total()
    print(f"{count} pictures, {refused} refused, {time.perf_counter() - began:.0f} s")
    for language in asked:
        share = found[language] / asked[language]
        print(f"{language}: {asked[language]:,} characters, {share:.4f} read")
    print(f"all: {asked.total():,} characters, {found.total() / asked.total():.4f} read")


if __name__ == "__main__":
    tyro.cli(main)
