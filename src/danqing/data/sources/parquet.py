"""Pictures in the rows of parquet files, as the hub has them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from danqing.core.errors import SourceError
from danqing.data.record import Item, Record, sources

_ROWS: Final = 64
"""Rows that are in memory at once."""


@sources.register("parquet")
@dataclass(frozen=True, kw_only=True)
class Parquet:
    """All `.parquet` files of a folder, or one.

    The picture is bytes, or a struct of `bytes` and `path`.
    """

    path: Path
    """A folder or a file."""
    image: str = "image"
    """The column of pictures."""
    captions: dict[str, str] = field(default_factory=lambda: {"raw": "caption"})
    """Columns of captions, by their origin: raw, recaption or fused."""

    def items(self) -> Iterator[Item]:
        """Yield rows in the order of their files and their places in them.

        Raises:
            SourceError: there is no such file or folder, or a file has not the columns.
        """
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile

        if not self.path.exists():
            raise SourceError(f"source {self.path} must exist; check the recipe's path.")
        files = sorted(self.path.rglob("*.parquet")) if self.path.is_dir() else [self.path]
        columns = [self.image, *self.captions.values()]
        for file in files:
            name = file.relative_to(self.path).as_posix() if self.path.is_dir() else file.name
            place = 0
            try:
                parquet = ParquetFile(file)
                if missing := sorted(set(columns) - set(parquet.schema_arrow.names)):
                    raise SourceError(
                        f"{file} must have the column {missing[0]!r}, got "
                        f"{', '.join(parquet.schema_arrow.names)}; name them in the recipe."
                    )
                for batch in parquet.iter_batches(_ROWS, columns=columns):
                    for row in batch.to_pylist():
                        yield Item(f"{name}#{place:08d}", lambda row=row: self._record(row))
                        place += 1
            except (pa.ArrowInvalid, OSError) as error:
                broken = Record(name=file.name, trouble=f"the file cannot be read on ({error})")
                yield Item(f"{name}#end", lambda broken=broken: broken)

    def _record(self, row: Mapping[str, Any]) -> Record:
        value = row[self.image]
        value = value if isinstance(value, dict) else {"bytes": value}
        name = Path(str(value.get("path") or "")).name
        texts = {origin: row[column] for origin, column in self.captions.items()}
        image = value.get("bytes")
        if not isinstance(image, bytes):
            return Record(name=name, trouble="its row holds no bytes of a picture", **texts)
        return Record(name=name, image=image, **texts)
