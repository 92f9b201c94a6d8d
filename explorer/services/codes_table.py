"""The codes of a whole data set in one parquet file, a row per picture, and how they get there batch by batch.

Columns: `path`, the picture's name in the data set, and per level a struct of `grid`, the level's shape, and
`codes`, integers in reading order. The file's metadata says model and options.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from explorer.core.atomic import atomic
from explorer.core.codes import Codes
from explorer.core.errors import CodesError, DataError

ROWS = 1024
"""Pictures of a row group."""


class CodesJournal:
    """Rows added one batch at a time, in Arrow's stream format: unlike parquet it can be cut off anywhere and
    gone on with. `size` in bytes is what a state remembers."""

    def __init__(self, path: Path, levels: Sequence[str], size: int = 0):
        """Goes on after the first `size` bytes of what is there, 0 for an empty journal."""
        self.path, self.schema = path, _schema(levels)
        if size > (path.stat().st_size if path.exists() else 0):
            raise DataError(f"{path} is gone or shorter than the state beside it says. Delete both to start again.")
        with _spoken(path):
            self.file = path.open("r+b" if size else "wb")
        self.file.truncate(size)
        self.file.seek(size)
        if not size:
            self._write(self.schema.serialize())
        self.size = self.file.tell()

    def append(self, rows: Sequence[tuple[str, Codes]]) -> None:
        """Add pictures with their codes, each a batch of one."""
        if rows:
            self._write(_record_batch(rows, self.schema).serialize())
            self.size = self.file.tell()

    def close(self) -> None:
        self.file.close()

    def _write(self, buffer) -> None:
        with _spoken(self.path):
            self.file.write(buffer)
            self.file.flush()


@contextmanager
def _spoken(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{path} could not be written ({error}). Free some space and run the same command again to go on."
        ) from error


def write_parquet(journals: Sequence[Path], out: Path, about: dict[str, str]) -> None:
    """All rows of some journals, one journal after the other, as a parquet file with metadata `about`."""
    import pyarrow as pa
    from pyarrow import parquet

    missing = next((path for path in journals if not path.exists()), None)
    if missing:
        raise DataError(f"{missing} is not here: all processes of a scan must share the folder of --codes.")
    with atomic(out) as path, pa.ipc.open_stream(journals[0]) as first:
        schema = first.schema.with_metadata(about)
        with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            for rows in _together(batch for journal in journals for batch in pa.ipc.open_stream(journal)):
                writer.write_table(pa.Table.from_batches(rows).replace_schema_metadata(about))


def read_codes(path: str | Path) -> Iterator[tuple[str, Codes]]:
    """Every picture's path and codes of such a file, one after the other; memory does not grow with the file."""
    with _opened(path) as file:
        levels = [name for name in file.schema_arrow.names if name != "path"]
        if not file.schema_arrow.equals(_schema(levels)):
            raise CodesError(f"{path} holds no codes: expected path and, per level, a struct of grid and codes.")
        for batch in file.iter_batches(batch_size=ROWS):
            columns = {name: _grids(batch.column(name)) for name in levels}
            for i, name in enumerate(batch.column("path").to_pylist()):
                yield name, Codes({level: column[i][None] for level, column in columns.items()})


def read_about(path: str | Path) -> dict[str, str]:
    """What `write_parquet` was told about the codes: model, sha256, options."""
    with _opened(path) as file:
        return {key.decode(): value.decode() for key, value in (file.schema_arrow.metadata or {}).items()}


def _opened(path: str | Path):
    from pyarrow import ArrowException, parquet

    try:
        return parquet.ParquetFile(path)
    except (OSError, ArrowException) as error:
        raise CodesError(f"{path} is not a readable parquet file ({error}).") from error


def _schema(levels: Sequence[str]):
    import pyarrow as pa

    integers = pa.list_(pa.int32())
    return pa.schema(
        [("path", pa.string()), *((level, pa.struct([("grid", integers), ("codes", integers)])) for level in levels)]
    )


def _record_batch(rows: Sequence[tuple[str, Codes]], schema):
    import pyarrow as pa

    columns = [pa.array([name for name, _ in rows], pa.string())]
    for level in schema.names[1:]:
        grids = [codes[level][0] for _, codes in rows]
        shapes = _lists([np.array(grid.shape, np.int32) for grid in grids])
        columns.append(pa.StructArray.from_arrays([shapes, _lists(grids)], names=["grid", "codes"]))
    return pa.record_batch(columns, schema=schema)


def _lists(arrays: Sequence[np.ndarray]):
    """A list column of arrays of any shape, flattened."""
    import pyarrow as pa

    ends = np.cumsum([0, *(array.size for array in arrays)])
    return pa.ListArray.from_arrays(ends.astype(np.int32), np.concatenate([array.ravel() for array in arrays]))


def _grids(column) -> list[np.ndarray]:
    """The arrays, in their shapes, of a level's column."""
    shapes, codes = column.flatten()
    flat, ends = codes.values.to_numpy(), codes.offsets.to_numpy()
    return [
        flat[start:end].reshape(shape)
        for start, end, shape in zip(ends[:-1], ends[1:], shapes.to_pylist(), strict=True)
    ]


def _together(batches: Iterator) -> Iterator[list]:
    """Record batches in lists of some ROWS rows."""
    some: list = []
    for batch in batches:
        some.append(batch)
        if sum(map(len, some)) >= ROWS:
            yield some
            some = []
    if some:
        yield some
