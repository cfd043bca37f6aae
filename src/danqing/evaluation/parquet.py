"""Rows of parquet files, as the hub has data sets; their pictures become files in the cache."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from PIL import Image, UnidentifiedImageError

from danqing.core.cache import cache_folder
from danqing.core.errors import MissingPackage, SourceError
from danqing.core.files import atomic_path

_ROWS: Final = 64
"""Rows that are in memory at once."""


def rows(path: Path, columns: Sequence[str], image: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of all parquet files of a folder, or of one, in their order.

    Args:
        path: The folder or the file.
        columns: What is read of a row.
        image: The column of pictures, bytes or a struct with `bytes`; its value becomes a Path.

    Raises:
        SourceError: there is no such file, or a column or a picture is missing in one.
        StorageError: the cache cannot be written.
        MissingPackage: `pyarrow` is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingPackage(
            'parquet files must have pyarrow, got no such package; run pip install "danqing[data]".'
        ) from error
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise SourceError(f"data must hold parquet files, got none in {path}; check its path.")
    for file in files:
        try:
            parquet = ParquetFile(file)
            if missing := sorted({image, *columns} - set(parquet.schema_arrow.names)):
                raise SourceError(
                    f"{file.name} must have the column {missing[0]!r}, got "
                    f"{', '.join(parquet.schema_arrow.names)}; get it again."
                )
            for batch in parquet.iter_batches(_ROWS, columns=[image, *columns]):
                for row in batch.to_pylist():
                    yield row | {image: _kept(row[image], file)}
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError(f"data must be parquet files, got {file}; get it again.") from error


def _kept(value: Any, file: Path) -> Path:
    """Return a file with a picture of a row."""
    data: Any = value.get("bytes") if isinstance(value, dict) else value
    try:
        place = cache_folder("pictures") / f"{hashlib.sha256(data).hexdigest()[:24]}.png"
        if not place.exists():
            with Image.open(io.BytesIO(data)) as picture, atomic_path(place) as staged:
                picture.convert("RGB").save(staged, format="PNG")
    except (TypeError, UnidentifiedImageError) as error:
        raise SourceError(
            f"rows of {file.name} must hold pictures, got {str(data)[:20]!r}; get it again."
        ) from error
    return place
