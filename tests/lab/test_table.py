"""The table of used codes per cure."""

import sys

from explorer.lab import __main__ as table
from explorer.lab.experiment import Reading


def test_a_row_tells_the_median_and_the_range():
    readings = [
        Reading(600, loss, used, perplexity) for loss, used, perplexity in ((0.1, 4, 3), (0.2, 9, 4), (0.3, 5, 8))
    ]
    assert table.line("plain VQ", readings) == "| plain VQ | 5 | 4 to 9 | 4.0 | 20.0 % |"


def test_every_cure_has_its_row(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lab", "--seeds", "1", "--steps", "5"])
    table.main()
    rows = capsys.readouterr().out.splitlines()[4:]
    names = [row.split("|")[1].strip() for row in rows]
    assert names[:3] == ["plain VQ", "EMA", "k-means start"] and len(rows) == 9
