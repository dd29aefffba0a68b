"""The tables of docs/performance.md have a cell under every heading, absent peers included."""

from __future__ import annotations

from benchmarks.layer_speed import markdown
from rnnexp.benching.results import Measured, row_of
from rnnexp.benching.shape import Shape


def test_every_line_of_a_table_has_as_many_cells() -> None:
    shape, path = Shape(1, 2, 3, 4, 1), ("torch", "why")
    all_three = {"rnnexp": [1e-3], "torch": [2e-3], "jax": [3e-3]}
    two = {"rnnexp": [1e-3], "torch": [4e-3]}
    rows = (
        row_of(shape, "rnn", 1, all_three, path, 100.0),
        row_of(shape, "gru", 1, two, path, 100.0),
    )
    products = {1: {"gflops": 100.0, "by": "oneDNN 512"}}
    found = Measured(rows, products, {"torch": "2"}, {"jax": "gave up"}).to_json()
    found |= {"rounds": 1, "machine": {"date": "d", "cpu": "c", "cores": 1, "load": 0.0}}
    first_table, means, place = "\n".join(markdown(found)).split("\n\n")
    for table, rows_below in ((first_table, 2), (means, 2)):
        lines = table.split("\n")
        assert len(lines) == 2 + rows_below
        assert len({line.count("|") for line in lines}) == 1
    assert "| 1,2,3,4,1 | gru | 1 | 1.00 | 4.00 | 4.00x |  |" in first_table
    assert "2.00x (2.00x)" in means
    assert "gave up" in place and "100 GFLOP/s" in place
