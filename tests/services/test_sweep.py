"""The runs of the sweep are read in order, and there may be none."""

import json

from explorer.services.sweep import CLAIMED, records


def test_runs_are_read_by_family_size_and_seed(tmp_path):
    order = [("fsq", 64, 0), ("vq", 16, 0), ("vq", 16, 1), ("vq", 256, 0)]
    for number, (family, size, seed) in enumerate(reversed(order)):
        (tmp_path / f"{number}.json").write_text(json.dumps({"family": family, "size": size, "seed": seed}))
    assert [(run["family"], run["size"], run["seed"]) for run in records(tmp_path)] == order
    assert records(tmp_path / "nowhere") == ()


def test_the_paper_claims_no_more_codes_than_there_are():
    assert all(used <= size for points in CLAIMED.values() for size, used in points)
