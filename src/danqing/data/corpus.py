"""A corpus: a folder with a Lance dataset to which rows and columns are added and never taken away.

Rows come in chunks, each one commit, so that a killed run has whole chunks. A row's number is its
place and never changes. Filters add columns: `score_*` for numbers, `note_*` for sentences,
`sketch_*` for what is compared, and `passed`, a bit for each stage.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from jaxtyping import Bool, Float32

from danqing.core.errors import MissingPackage, RecipeError
from danqing.core.files import atomic_path, storage_errors
from danqing.data.filters.base import Sketches
from danqing.data.record import Item, Record, Source

if TYPE_CHECKING:
    import lance
    import pyarrow as pa

CHUNK_ROWS: Final = 1024
CHUNK_BYTES: Final = 256 << 20
"""A chunk ends when it has as many rows or bytes."""

PIECE_BYTES: Final = 8 << 20
"""Bytes of pictures that are held on their way into a chunk."""

PIECE_ROWS: Final = 16
"""Rows whose pictures are read together.

The memory of so few is used again for the next ones. For a hundred it comes from the system each
time, and reading them then takes several times the work.
"""

_SKETCHES: Final = 256
"""Sketches that are read together."""


class Corpus:
    """Pictures, captions and what was measured of them."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.uri = str(self.folder / "pictures.lance")

    def __len__(self) -> int:
        return self._open().count_rows() if self.exists else 0

    @property
    def exists(self) -> bool:
        """Whether anything was ever put in."""
        return Path(self.uri, "_versions").is_dir()

    @property
    def columns(self) -> list[str]:
        """Names of all columns."""
        return self._open().schema.names if self.exists else []

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs off the corpus meanwhile.

        Raises:
            RecipeError: one is at work.
            StorageError: the disk said no.
        """
        from filelock import FileLock, Timeout

        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(blocking=False)
        except Timeout as error:
            raise RecipeError(
                f"{self.folder} must be used by one run at a time, got two; wait for the first."
            ) from error
        try:
            yield
        finally:
            lock.release()

    @property
    def manifest(self) -> dict[str, Any]:
        """What the last run left: recipe, counts, costs.

        Raises:
            RecipeError: there was no run.
        """
        try:
            return json.loads((self.folder / "manifest.json").read_text())
        except (OSError, ValueError) as error:
            raise RecipeError(
                f"{self.folder} must have been filtered; run danqing filter run first."
            ) from error

    def read(self, columns: Sequence[str]) -> "pa.Table":
        """Return columns of all rows, in their order; those that do not exist are left out."""
        known = set(self.columns)
        return self._open().to_table(columns=[name for name in columns if name in known])

    def take(self, rows: Sequence[int], columns: Sequence[str]) -> "pa.Table":
        """Return columns of some rows, by number."""
        return self._open().take(list(rows), columns=list(columns))

    def scores(self, column: str) -> Float32[np.ndarray, " N"]:
        """Return a filter's number for every row; NaN where there is none."""
        values = self.read([f"score_{column}"])[0]
        return np.asarray(values.to_numpy(zero_copy_only=False), np.float32)

    def lacks(self, column: str) -> Bool[np.ndarray, " N"]:
        """Return which rows have no value in a column; all if there is no such column."""
        if column not in self.columns:
            return np.ones(len(self), bool)
        found = self._open().to_table(columns={"lacks": f"{column} IS NULL"})
        return np.asarray(found["lacks"])

    def sketches(self, column: str, rows: Sequence[int]) -> Sketches:
        """Return what a group filter drew of some rows, read when it is asked for."""
        return _Stored(self._open(), f"sketch_{column}", rows)

    def sizes(self) -> dict[str, int]:
        """Return bytes of the pictures (`pictures`) and of everything beside (`columns`)."""
        sizes = {"pictures": 0, "columns": 0}
        for batch in self._open().scanner(batch_size=64).to_batches():
            for name in batch.schema.names:
                kind = "pictures" if name == "image" else "columns"
                sizes[kind] += batch[name].nbytes
        return sizes

    def spans(self, length: int) -> Iterator[range]:
        """Yield the numbers of all rows, in pieces that lie together in one file."""
        start = 0
        for fragment in self._open().get_fragments():
            stop = start + fragment.count_rows()
            for first in range(start, stop, length):
                yield range(first, min(first + length, stop))
            start = stop

    def add(
        self,
        label: str,
        source: Source,
        threads: int = 4,
        show: Callable[[int], None] = lambda rows: None,
    ) -> int:
        """Put in what a source has and the corpus has not; return the number of new rows.

        Args:
            label: The source's name; with an item's key it names a row.
            source: Where pictures come from.
            threads: Items that are fetched at once.
            show: Told how many rows were put in, after every chunk.

        Raises:
            SourceError: the source is not there.
            StorageError: the disk said no.
        """
        known = set(self.read(["key"])["key"].to_pylist()) if self.exists else set[str]()
        fresh = (item for item in source.items() if f"{label}/{item.key}" not in known)
        added = 0
        trouble: list[Exception] = []
        with ThreadPoolExecutor(threads) as pool:
            records = _until_trouble(_ahead(pool, fresh, 4 * threads), trouble)
            for first in records:
                before = len(self)
                self._append(_chunk(label, chain([first], records)))
                rows = len(self) - before
                added += rows
                show(rows)
        if trouble:
            raise trouble[0]
        return added

    def fill(self, columns: Mapping[str, "pa.Array | pa.ChunkedArray"]) -> None:
        """Add columns of one value a row, or put them in the place of those so called.

        Raises:
            StorageError: the disk said no.
        """
        import pyarrow as pa

        if columns:
            table = pa.table(dict(columns))
            self._put(table.schema, table.to_batches())

    def lay(
        self, schema: "pa.Schema", spans: Sequence[range], parts: Iterable["pa.Table | None"]
    ) -> None:
        """Lay values of some rows over columns, span by span, so that they may be large.

        Args:
            schema: The columns.
            spans: All rows, as `spans` gives them.
            parts: For each span the new values and their rows, in a column `row`, in order; None:
                there are none. Rows that are not there keep what they have.

        Raises:
            StorageError: the disk said no.
        """
        old = [name for name in schema.names if name in self.columns]
        dataset = self._open()

        def batches() -> Iterator["pa.RecordBatch"]:
            for span, part in zip(spans, parts, strict=True):
                kept = dataset.to_table(columns=old, offset=span.start, limit=len(span))
                yield from _laid(schema, span, kept, part).to_batches()

        self._put(schema, batches())

    def _put(self, schema: "pa.Schema", batches: Iterable["pa.RecordBatch"]) -> None:
        """Add columns; new ones stand before old ones go, so a kill leaves one of the two."""
        import pyarrow as pa

        self.mend()
        dataset = self._open()
        old = [name for name in schema.names if name in dataset.schema.names]
        new = pa.schema([f.with_name(f"new_{f.name}") if f.name in old else f for f in schema])
        named = (batch.rename_columns(new.names) for batch in batches)
        with storage_errors(self.folder):
            dataset.add_columns(pa.RecordBatchReader.from_batches(new, named))
            if old:
                dataset.drop_columns(old)
                _rename(dataset, old)

    def mend(self) -> None:
        """Finish or undo a replacement of columns that was killed halfway."""
        dataset = self._open()
        names = set(dataset.schema.names)
        for new in [name for name in names if name.startswith("new_")]:
            if new.removeprefix("new_") in names:
                dataset.drop_columns([new])
            else:
                _rename(dataset, [new.removeprefix("new_")])

    def _append(self, pieces: Iterator["pa.RecordBatch"]) -> None:
        import pyarrow as pa

        reader = pa.RecordBatchReader.from_batches(_schema(), pieces)
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            if not self.exists:
                lance_package().write_dataset(reader, self.uri)
                return
            # Columns that filters added are null in new rows.
            self._open().insert(reader, mode="append")

    def _open(self) -> "lance.LanceDataset":
        return lance_package().dataset(self.uri)


def write_part(table: "pa.Table", path: Path) -> None:
    """Write what was made of some rows, to be laid over a corpus later.

    Raises:
        StorageError: the disk said no.
    """
    import pyarrow as pa

    with atomic_path(path) as staged, pa.OSFile(str(staged), "wb") as sink:
        writer = pa.ipc.new_file(sink, table.schema)
        writer.write_table(table)
        writer.close()


def read_part(path: Path) -> "pa.Table":
    """Return what `write_part` wrote."""
    import pyarrow as pa

    return pa.ipc.open_file(pa.OSFile(str(path))).read_all()


def _laid(
    schema: "pa.Schema", span: range, kept: "pa.Table", part: "pa.Table | None"
) -> "pa.Table":
    """Return a span's columns: what is kept, and what a part has in its place."""
    import pyarrow as pa
    import pyarrow.compute as pc

    mask = np.zeros(len(span), bool)
    if part is not None:
        mask[np.asarray(part["row"]) - span.start] = True
    columns: list[pa.Array] = []
    for field in schema:
        has = field.name in kept.schema.names
        base = kept[field.name].combine_chunks() if has else pa.nulls(len(span), field.type)
        if part is not None:
            values = part[field.name].combine_chunks()
            base = pc.replace_with_mask(base, pa.array(mask), values)  # pyright: ignore[reportAttributeAccessIssue]
        columns.append(base)
    return pa.table(columns, schema=schema)


class _Stored:
    """Sketches that lie in a corpus."""

    def __init__(self, dataset: "lance.LanceDataset", column: str, rows: Sequence[int]) -> None:
        self._dataset, self._column, self._rows = dataset, column, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[bytes | None]:
        for start in range(0, len(self), _SKETCHES):
            yield from self.at(range(start, min(start + _SKETCHES, len(self))))

    def at(self, places: Sequence[int]) -> list[bytes | None]:
        rows = [self._rows[place] for place in places]
        found = self._dataset.take(rows, [self._column])[self._column].to_pylist()
        return [sketch or None for sketch in found]


def _rename(dataset: "lance.LanceDataset", names: Sequence[str]) -> None:
    alterations: list[Any] = [{"path": f"new_{name}", "name": name} for name in names]
    dataset.alter_columns(*alterations)


def lance_package() -> Any:
    """Return the `lance` module.

    Raises:
        MissingPackage: it is not installed.
    """
    try:
        import lance
    except ImportError as error:
        raise MissingPackage(
            "a corpus of pictures needs Lance; pip install 'danqing[data]' installs it."
        ) from error
    return lance


def _schema() -> "pa.Schema":
    import pyarrow as pa

    text = ("key", "name", "raw", "recaption", "fused", "meta", "trouble")
    # Pictures are compressed as they come.
    plain = {"lance-encoding:compression": "none"}
    image = pa.field("image", pa.large_binary(), metadata=plain)
    return pa.schema([*((name, pa.string()) for name in text), image])


def _ahead(
    pool: ThreadPoolExecutor, items: Iterable[Item], count: int
) -> Iterator[tuple[Item, Record]]:
    """Yield items with their records in order, fetching a few ahead and no more."""
    rest = iter(items)
    waiting = [(item, pool.submit(item.read)) for item in islice(rest, count)]
    while waiting:
        item, record = waiting.pop(0)
        if (following := next(rest, None)) is not None:
            waiting.append((following, pool.submit(following.read)))
        yield item, record.result()


def _until_trouble(
    records: Iterable[tuple[Item, Record]], trouble: list[Exception]
) -> Iterator[tuple[Item, Record]]:
    """Yield records up to an error and keep it: Lance, which draws them, would keep its text."""
    try:
        yield from records
    except Exception as error:
        trouble.append(error)


def _chunk(label: str, records: Iterable[tuple[Item, Record]]) -> Iterator["pa.RecordBatch"]:
    """Yield the rows of one chunk in pieces, and draw no record more."""
    import pyarrow as pa

    schema = _schema()
    piece: list[tuple[Any, ...]] = []
    rows = size = held = 0
    for item, record in records:
        values = (getattr(record, name) for name in schema.names[1:])
        piece.append((f"{label}/{item.key}", *values))
        rows, size, held = rows + 1, size + len(record.image), held + len(record.image)
        full = rows == CHUNK_ROWS or size >= CHUNK_BYTES
        if full or held >= PIECE_BYTES:
            yield pa.record_batch(list(zip(*piece, strict=True)), schema=schema)
            piece, held = [], 0
        if full:
            return
    if piece:
        yield pa.record_batch(list(zip(*piece, strict=True)), schema=schema)
