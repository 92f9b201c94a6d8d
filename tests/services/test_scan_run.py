"""The command: what it writes, that a kill or a Ctrl-C costs a batch at most, that two processes count as one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from explorer.analysis.usage.__main__ import main
from explorer.core.errors import DataError
from explorer.models.tokenizer import load_tokenizer
from explorer.services import scan_run
from explorer.services.codes_table import CodesJournal, read_about, read_codes
from explorer.services.processes import Processes
from explorer.services.scan_run import ScanOptions, scan_data
from explorer.services.scan_state import ScanState
from tests.services.conftest import READABLE, UNREADABLE
from tests.services.test_scan import one_by_one

ROOT = Path(__file__).parents[2]
LIMIT = 120


def arguments(model, data, folder, *more):
    given = ["--model", model, "--data", data, "--out", folder / "usage.json", "--codes", folder / "codes.parquet"]
    return [*map(str, given), "--size", "64", "--batch", "2", "--device", "cpu", *more]


def left(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def model(tiny_folders):
    return tiny_folders["two_grids"]


@pytest.fixture(scope="module")
def whole(model, data, tmp_path_factory):
    """What one undisturbed call writes."""
    folder = tmp_path_factory.mktemp("whole")
    assert main(arguments(model, data, folder)) == 0
    return folder


def test_the_record_and_the_table_are_those_of_every_picture_alone(model, data, whole):
    record, tokenizer = json.loads((whole / "usage.json").read_text()), load_tokenizer(model)
    expected = one_by_one(tokenizer, data, 64, "square")
    assert list(read_codes(whole / "codes.parquet")) == list(expected.items())
    assert left(whole) == ["codes.parquet", "usage.json"]
    assert (record["pictures"], [bad["file"] for bad in record["unreadable"]]) == (
        READABLE,
        ["class0/05.jpg", "class1/99.jpg"],
    )
    for name, level in record["levels"].items():
        codes = np.concatenate([codes[name].ravel() for codes in expected.values()])
        assert level["counts"] == np.bincount(codes, minlength=24).tolist()
        assert level["tokens"] == codes.size and level["conclusion"]
    about = read_about(whole / "codes.parquet")
    assert (about["sha256"], about["size"], about["fit"]) == (tokenizer.spec.sha256, "64", "square")


class Stopped(Exception):
    """Stands for a kill: nothing is caught, nothing tidied up."""


def scan_until(monkeypatch, batches, *given):
    """Scan until the state of so many batches is saved and the next one is about to be."""
    save, saved = ScanState.save, []

    def stopping(state, path, identity):
        if len(saved) == batches:
            raise Stopped
        saved.append(state.files)
        save(state, path, identity)

    with monkeypatch.context() as patch:
        patch.setattr(ScanState, "save", stopping)
        with pytest.raises(Stopped):
            scan_data(*given)


@pytest.mark.parametrize("batches", [0, 1, 5, 10])
def test_a_stopped_scan_goes_on_and_encodes_at_most_a_batch_again(model, data, whole, tmp_path, monkeypatch, batches):
    options = ScanOptions(data, tmp_path / "usage.json", tmp_path / "codes.parquet", 64, batch=2)
    scan_until(monkeypatch, batches, load_tokenizer(model), options)
    assert not (tmp_path / "usage.json").exists()
    told = []
    scan_data(load_tokenizer(model), options, progress=lambda done, total: told.append((done, total)))
    assert told[0] == (2 * batches, READABLE + UNREADABLE) and len(set(told[-1])) == 1
    assert (tmp_path / "usage.json").read_text() == (whole / "usage.json").read_text()
    assert list(read_codes(tmp_path / "codes.parquet")) == list(read_codes(whole / "codes.parquet"))
    assert left(tmp_path) == left(whole)


def test_stopped_processes_go_on_each_with_its_own_files(model, data, whole, tmp_path, monkeypatch):
    class OneOfTwo(Processes):
        """Adds nothing up, so that what each counted can be looked at."""

        def __init__(self, rank):
            self.rank, self.world = rank, 2

        def sum(self, counts):
            return counts

        def gather(self, values):
            return values

    options, found = ScanOptions(data, tmp_path / "usage.json", None, 64, batch=2), []
    for rank in range(2):
        scan_until(monkeypatch, 2, load_tokenizer(model), options, OneOfTwo(rank))
        found.append(scan_data(load_tokenizer(model), options, OneOfTwo(rank)))
    once = json.loads((whole / "usage.json").read_text())
    for name, level in once["levels"].items():
        total = np.sum([part["levels"][name]["counts"] for part in found], 0)
        assert total.tolist() == level["counts"]


def test_a_killed_process_goes_on(model, data, whole, tmp_path):
    many, copies = tmp_path / "many", 40
    for i in range(copies):
        shutil.copytree(data, many / f"copy{i}")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "explorer.analysis.usage", *arguments(model, many, out)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = out / "usage.json.state-0-of-1"
    deadline = time.monotonic() + LIMIT
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait(LIMIT)
    assert state.exists(), "the scan was over before it could be killed"
    assert main(command[3:]) == 0
    record, once = (json.loads((folder / "usage.json").read_text()) for folder in (out, whole))
    assert record["pictures"] == copies * once["pictures"]
    for name, level in record["levels"].items():
        assert level["counts"] == [copies * count for count in once["levels"][name]["counts"]]
    assert len(list(read_codes(out / "codes.parquet"))) == record["pictures"]


def test_ctrl_c_stops_in_a_sentence(model, data, whole, tmp_path, monkeypatch, capsys):
    append = CodesJournal.append

    def interrupted(journal, rows):
        append(journal, rows)
        if journal.path.stat().st_size > 4000:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(CodesJournal, "append", interrupted)
        assert main(arguments(model, data, tmp_path)) == 130
    assert "run the same command again" in capsys.readouterr().err
    assert left(tmp_path) == ["usage.json.codes-0-of-1", "usage.json.state-0-of-1"]
    assert main(arguments(model, data, tmp_path)) == 0
    assert (tmp_path / "usage.json").read_text() == (whole / "usage.json").read_text()
    assert list(read_codes(tmp_path / "codes.parquet")) == list(read_codes(whole / "codes.parquet"))


def test_two_processes_count_as_one(model, data, whole, tmp_path):
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "explorer.analysis.usage"]
    done = subprocess.run(
        [sys.executable, *command, *arguments(model, data, tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    record, once = (json.loads((folder / "usage.json").read_text()) for folder in (tmp_path, whole))
    assert record == once and record["levels"]["top"]["pictures"] == READABLE
    by_name = dict(read_codes(tmp_path / "codes.parquet"))
    assert by_name == dict(read_codes(whole / "codes.parquet")) and left(tmp_path) == left(whole)


def test_a_state_of_another_scan_is_not_gone_on_with(model, tiny_folders, data, tmp_path, capsys):
    options = ScanOptions(data, tmp_path / "usage.json", None, 64)
    ScanState({}).save(tmp_path / "usage.json.state-0-of-1", {"model": "another"})
    with pytest.raises(DataError, match="another model"):
        scan_data(load_tokenizer(model), options)
    (tmp_path / "usage.json.state-0-of-1").write_bytes(b"PK")
    with pytest.raises(DataError, match="is damaged"):
        scan_data(load_tokenizer(model), options)
    (tmp_path / "usage.json.state-0-of-1").rename(tmp_path / "usage.json.state-1-of-2")
    with pytest.raises(DataError, match="in 2 process"):
        scan_data(load_tokenizer(model), options)


def test_changed_options_and_pictures_are_another_scan(model, data, tmp_path, monkeypatch):
    options = ScanOptions(data, tmp_path / "usage.json", None, 64)
    monkeypatch.setattr(scan_run, "_finish", lambda *given: {})
    scan_data(load_tokenizer(model), options)
    for changed, words in [
        (ScanOptions(data, tmp_path / "usage.json", None, 32), "another size"),
        (ScanOptions(data, tmp_path / "usage.json", None, 64, "whole"), "another fit"),
        (ScanOptions(data, tmp_path / "usage.json", tmp_path / "codes.parquet", 64), "another choice of --codes"),
        (ScanOptions(data / "class0", tmp_path / "usage.json", None, 64), "another number of files"),
    ]:
        with pytest.raises(DataError, match=words):
            scan_data(load_tokenizer(model), changed)


def test_what_went_wrong_is_said_in_a_sentence(model, tiny_folders, data, tmp_path, capsys):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "words.jpg").write_text("words")
    for given, words in [
        (arguments("nobody", data, tmp_path), "There is no model 'nobody'"),
        (arguments(model, tmp_path / "nowhere", tmp_path), "does not exist"),
        (arguments(model, data, tmp_path, "--size", "60"), "not a multiple of 8"),
        (arguments(tiny_folders["point"], data, tmp_path), "keeps floats"),
        (arguments(model, data, tmp_path, "--codes", str(tmp_path)), "is a folder"),
        (arguments(model, data, tmp_path, "--out", str(tmp_path / "bad" / "words.jpg" / "a")), "can't be made"),
    ]:
        assert main(given) == 2
        assert words in capsys.readouterr().err
        assert left(tmp_path) == ["bad"], "nothing half done is left behind"
    assert main(arguments(model, tmp_path / "bad", tmp_path)) == 2
    assert "None of the 1 picture files" in capsys.readouterr().err
