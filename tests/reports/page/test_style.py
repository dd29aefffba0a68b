"""Colours that can be read and told apart, in both lights, by colour-blind readers too."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import combinations

import pytest

STYLE = files("rnnexp.reports.page").joinpath("page.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in STYLE.split("@media", 2)[:2]
)

# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
SEEN = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.1524, 1.0526, -0.2049), (0.1145, 0.7864, 0.0991), (-0.0039, -0.0481, 1.052)),
    "deuteranopia": ((0.3674, 0.8606, -0.228), (0.2802, 0.6726, 0.0472), (-0.0118, 0.0429, 0.9689)),
    "tritanopia": ((1.2555, -0.0767, -0.1788), (-0.0784, 0.9308, 0.1476), (0.0047, 0.6914, 0.3039)),
}
Rgb = tuple[float, ...]


def linear(colour: str) -> Rgb:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return tuple(p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)


def contrast(one: str, other: str) -> float:
    """WCAG 2: from 1 to 21."""
    dark, light = sorted(
        sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True))
        for c in (one, other)
    )
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: Rgb) -> Rgb:
    """CIE L*a*b* under D65."""
    r, g, b = (min(max(part, 0.0), 1.0) for part in rgb)
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def seen(colour: str, eyes: str) -> Rgb:
    rgb = linear(colour)
    return lab(tuple(sum(m * p for m, p in zip(row, rgb, strict=True)) for row in SEEN[eyes]))


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_lines_stand_out(theme: dict[str, str]) -> None:
    needed = {"ink": 7, "soft": 4.5, "warn": 4.5} | dict.fromkeys(
        ("c0", "c1", "c2", "c3", "c4", "c5"), 3
    )
    for name, least in needed.items():
        assert contrast(theme[name], theme["paper"]) >= least, name
    assert contrast(theme["paper"], theme["c0"]) >= 4.5  # numbers on the darkest cells


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("eyes", SEEN)
def test_the_first_four_colours_are_told_apart(eyes: str, theme: dict[str, str]) -> None:
    for one, other in combinations(("c0", "c1", "c2", "c3"), 2):
        a, b = seen(theme[one], eyes), seen(theme[other], eyes)
        distance = sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) ** 0.5
        assert distance >= 12, (one, other, distance)
