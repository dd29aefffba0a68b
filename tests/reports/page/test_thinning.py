"""Long lines in few points."""

from __future__ import annotations

from rnnexp.reports.page.svg_charts import evenly, thin, thin_band


def test_no_peak_is_lost_and_the_order_stays() -> None:
    points = [(float(x), 0.0) for x in range(100_000)]
    points[31_415], points[27_182] = (31_415.0, 9.0), (27_182.0, -9.0)
    kept = thin(points, 300)
    assert len(kept) <= 4 * 300
    assert {(31_415.0, 9.0), (27_182.0, -9.0), points[0], points[-1]} <= set(kept)
    assert kept == sorted(kept)


def test_few_points_stay_as_they_are() -> None:
    points = [(0.0, 1.0), (0.0, 2.0), (5.0, 3.0)]
    assert thin(points, 3) == points
    assert thin([(1.0, float(n)) for n in range(50)], 3)[-1] == (1.0, 49.0)


def test_a_band_keeps_its_whole_range() -> None:
    spans = [(float(x), -float(x % 7), float(x % 5)) for x in range(1000)]
    kept = thin_band(spans, 10)
    assert len(kept) == 10
    assert {low for _, low, _ in kept} == {-6.0} and {high for _, _, high in kept} == {4.0}


def test_evenly_takes_both_ends() -> None:
    assert evenly(range(100), 4) == [0, 33, 66, 99]
    assert evenly([1, 2], 4) == [1, 2]
