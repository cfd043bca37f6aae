"""What is left of a corpus, in the formats of other trainers: WebDataset tars and parquet.

Shards are whole or not there, and the same rows give the same bytes.
"""

import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from danqing.core.errors import RecipeError, unknown
from danqing.core.files import atomic_path
from danqing.data.corpus import Corpus
from danqing.data.pixels import read_head
from danqing.data.record import ORIGINS

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["webdataset", "parquet"]

_ENDS: Final = {
    "JPEG": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tif",
}
_READ: Final = 64


def passed(corpus: Corpus, last: str | None = None) -> list[int]:
    """Return the numbers of the rows that passed all stages of the last run, or the first of them.

    Args:
        corpus: Where the rows are.
        last: The last stage that counts; None: all do.

    Raises:
        RecipeError: there is no such stage, or the corpus was not filtered yet.
    """
    stages = list(corpus.manifest["recipe"]["stages"])
    if last is not None and last not in stages:
        raise RecipeError(unknown("stage", last, stages))
    count = len(stages) if last is None else stages.index(last) + 1
    # Rows that came after the run have passed nothing yet.
    bits = np.asarray(corpus.read(["passed"])["passed"].fill_null(0))
    wanted = (1 << count) - 1
    return np.flatnonzero(bits & wanted == wanted).tolist()


def export(
    corpus: Corpus,
    rows: Sequence[int],
    folder: Path,
    form: Format = "webdataset",
    *,
    shard: int = 1000,
    show: Callable[[int], None] = lambda rows: None,
) -> list[Path]:
    """Write rows of a corpus as numbered shards; those that are there already are left alone.

    Args:
        corpus: Where the rows are.
        rows: Their numbers, in the order they are to be written.
        folder: Where shards go.
        form: Their format.
        shard: Rows of a shard.
        show: Told how many rows were written.

    Raises:
        StorageError: the disk said no.
    """
    end, write = {"webdataset": ("tar", _write_tar), "parquet": ("parquet", _write_parquet)}[form]
    written: list[Path] = []
    for number, start in enumerate(range(0, len(rows), shard)):
        path = folder / f"{number:06d}.{end}"
        part = rows[start : start + shard]
        if not path.exists():
            with atomic_path(path) as staged:
                write(staged, corpus, part)
        written.append(path)
        show(len(part))
    return written


def _write_tar(path: Path, corpus: Corpus, rows: Sequence[int]) -> None:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for number, values in _values(corpus, rows):
            head = read_head(values["image"])
            end = "bin" if isinstance(head, str) else _ENDS[head.format]
            about = {"key": values["key"]} | {
                name: values[name] for name in (*ORIGINS, "meta") if values[name] is not None
            }
            text = json.dumps(about, ensure_ascii=False, sort_keys=True).encode()
            for name, data in ((end, values["image"]), ("json", text)):
                member = tarfile.TarInfo(f"{number:012d}.{name}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def _write_parquet(path: Path, corpus: Corpus, rows: Sequence[int]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    names = ["key", *ORIGINS, "meta"]
    schema = pa.schema(
        [
            ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            *((name, pa.string()) for name in names),
        ]
    )
    with parquet.ParquetWriter(path, schema, compression="none") as writer:
        for batch in _batches(corpus, rows):
            values = batch.to_pydict()
            images = [
                {"bytes": data, "path": name}
                for data, name in zip(values["image"], values["name"], strict=True)
            ]
            columns = {"image": images} | {name: values[name] for name in names}
            writer.write_table(pa.table(columns, schema=schema))


def _values(corpus: Corpus, rows: Sequence[int]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    numbers = iter(rows)
    for batch in _batches(corpus, rows):
        for values in batch.to_pylist():
            yield next(numbers), values


def _batches(corpus: Corpus, rows: Sequence[int]) -> Iterator["pa.Table"]:
    for start in range(0, len(rows), _READ):
        yield corpus.take(rows[start : start + _READ], ["key", "name", "image", "meta", *ORIGINS])
