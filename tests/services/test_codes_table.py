"""Codes to parquet and back, through a journal that may be cut off."""

import numpy as np
import pytest

from explorer.core.codes import Codes
from explorer.core.errors import CodesError, DataError
from explorer.services.codes_table import CodesJournal, read_about, read_codes, write_parquet

LEVELS = ("top", "bottom")


def rows(count, seed=0):
    """Pictures of two shapes with a spatial level and one that is not, and names of all kinds."""
    random = np.random.default_rng(seed)
    return [
        (
            f'größe/{i} ,".jpg',
            Codes({"top": random.integers(0, 9, (1, 2, 3 + i % 2)), "bottom": random.integers(0, 2**18, (1, 5))}),
        )
        for i in range(count)
    ]


def write(path, pictures, size=0):
    journal = CodesJournal(path, LEVELS, size)
    for start in range(0, len(pictures), 3):
        journal.append(pictures[start : start + 3])
    journal.close()
    return journal.size


def test_what_is_written_is_read_back(tmp_path):
    pictures = rows(2500)
    write(tmp_path / "journal", pictures)
    write_parquet([tmp_path / "journal"], tmp_path / "codes.parquet", {"model": "m"})
    assert list(read_codes(tmp_path / "codes.parquet")) == pictures
    assert read_about(tmp_path / "codes.parquet") == {"model": "m"}


def test_other_programs_can_read_it(tmp_path):
    from pyarrow import parquet

    pictures = rows(5)
    write(tmp_path / "journal", pictures)
    write_parquet([tmp_path / "journal"], tmp_path / "codes.parquet", {})
    table = parquet.read_table(tmp_path / "codes.parquet").to_pylist()
    assert [row["path"] for row in table] == [name for name, _ in pictures]
    assert [row["top"] for row in table] == [
        {"grid": list(codes["top"][0].shape), "codes": codes["top"].ravel().tolist()} for _, codes in pictures
    ]


def test_a_journal_goes_on_where_the_state_says(tmp_path):
    pictures = rows(20)
    size = write(tmp_path / "journal", pictures[:9])
    write(tmp_path / "journal", rows(4, seed=1), size)  # after the last state
    with (tmp_path / "journal").open("ab") as file:
        file.write(b"half a record" * 1000)
    write(tmp_path / "journal", pictures[9:], size)
    write_parquet([tmp_path / "journal"], tmp_path / "codes.parquet", {})
    assert list(read_codes(tmp_path / "codes.parquet")) == pictures


def test_journals_follow_each_other_and_none_may_lack(tmp_path):
    first, second = rows(7), rows(5, seed=1)
    paths = [tmp_path / "a", tmp_path / "b"]
    write(paths[0], first)
    with pytest.raises(DataError, match="must share the folder"):
        write_parquet(paths, tmp_path / "codes.parquet", {})
    write(paths[1], second)
    write_parquet(paths, tmp_path / "codes.parquet", {})
    assert list(read_codes(tmp_path / "codes.parquet")) == first + second


def test_a_shortened_journal_and_foreign_files_are_refused_in_words(tmp_path):
    size = write(tmp_path / "journal", rows(3))
    with pytest.raises(DataError, match="shorter than the state"):
        CodesJournal(tmp_path / "journal", LEVELS, size + 1)
    with pytest.raises(CodesError, match="not a readable parquet file"):
        next(read_codes(tmp_path / "journal"))
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"path": ["a"], "caption": ["b"]}), tmp_path / "other.parquet")
    with pytest.raises(CodesError, match="holds no codes"):
        next(read_codes(tmp_path / "other.parquet"))
