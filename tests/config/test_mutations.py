"""Configs spoilt at random: only our own errors, and the line that was spoilt.

`RNNEXP_FUZZ=10000` runs more of them than the suite does.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

from rnnexp.config.gallery import experiments
from rnnexp.config.loading import load_config
from rnnexp.config.unknown_keys import homes
from rnnexp.errors import Problem, RnnexpError

MUTATIONS = int(os.environ.get("RNNEXP_FUZZ", "400"))

ODD_VALUES = (
    "", "~", "0", "-1", "1.5", "1e400", ".nan", "-.inf", "true", "no", "x", "[]", "{}", "[1, [2]]",
    "{a: 1}", "'64'", "2e-3", "99999999999999999999", "*a", "!tag x", "'", "[", "{a", "@", "a: b",
    "|", "\"\\u202e\"", "[[[[[[[[[[[[[[[[[[[[[[[", "null", "None", "many_to_many", "${oc.env:HOME}",
    "1_000",
)  # fmt: skip

Mutation = Callable[[random.Random, list[str]], int | None]


def misspell(rng: random.Random, lines: list[str]) -> int | None:
    """Spoils one key, so that no section knows it; returns its line number."""
    keys = [
        (n, m) for n, line in enumerate(lines) for m in re.finditer(r"([a-z_0-9]+):(?!\S)", line)
    ]
    number, match = rng.choice([(n, m) for n, m in keys if "#" not in lines[n][: m.start()]])
    key = match[1]
    at = rng.randrange(len(key))
    spoilt = rng.choice(
        (key[:at] + key[at + 1 :], key[:at] + key[at] + key[at:], key[:at] + "x" + key[at + 1 :],
         key + "s", key.upper(), key[:at] + key[at : at + 2][::-1] + key[at + 2 :])
    )  # fmt: skip
    if spoilt in homes() or spoilt in ("base", ""):
        spoilt = f"{key}zz"
    lines[number] = lines[number][: match.start(1)] + spoilt + lines[number][match.end(1) :]
    return number + 1


def replace_value(rng: random.Random, lines: list[str]) -> None:
    number = rng.randrange(len(lines))
    key, colon, _ = lines[number].partition(":")
    lines[number] = f"{key}{colon} {rng.choice(ODD_VALUES)}"


def delete_line(rng: random.Random, lines: list[str]) -> None:
    del lines[rng.randrange(len(lines))]


def repeat_line(rng: random.Random, lines: list[str]) -> None:
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))


def move_line(rng: random.Random, lines: list[str]) -> None:
    number = rng.randrange(len(lines))
    lines[number] = rng.choice((" ", "  ", "\t", "    ")) + lines[number]


def dedent_line(rng: random.Random, lines: list[str]) -> None:
    number = rng.randrange(len(lines))
    lines[number] = lines[number].lstrip()


def insert_character(rng: random.Random, lines: list[str]) -> None:
    number = rng.randrange(len(lines))
    at = rng.randrange(len(lines[number]) + 1)
    character = rng.choice("[]{}:,#&*!|>'\"%@`-?\t\x00\x1b\u202e\ud83e~=<é0")
    lines[number] = lines[number][:at] + character + lines[number][at:]


def cut_off(rng: random.Random, lines: list[str]) -> None:
    del lines[rng.randrange(len(lines)) :]
    if lines:
        lines[-1] = lines[-1][: rng.randrange(len(lines[-1]) + 1)]


OTHERS = (
    replace_value, delete_line, repeat_line, move_line, dedent_line, insert_character, cut_off,
)  # fmt: skip


def problems_of(path: Path, lines: list[str]) -> list[Problem]:
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    try:
        load_config(path)
    except RnnexpError as error:
        return list(error.problems)
    return []


def sources(examples: dict[str, str]) -> list[str]:
    return [*examples.values(), *(entry.path.read_text() for entry in experiments())]


def test_a_misspelt_key_is_named_with_its_line(tmp_path: Path, examples: dict[str, str]) -> None:
    rng, missed = random.Random(1), []
    for _ in range(MUTATIONS // 2):
        lines = rng.choice(sources(examples)).splitlines()
        number = misspell(rng, lines)
        found = problems_of(tmp_path / "exp.yaml", lines)
        if number not in [problem.position and problem.position.line for problem in found]:
            missed.append((lines[(number or 1) - 1], found))
    assert len(missed) <= 0.01 * MUTATIONS // 2, missed[:3]


def test_nothing_but_our_own_errors(tmp_path: Path, examples: dict[str, str]) -> None:
    rng = random.Random(2)
    for _ in range(MUTATIONS // 2):
        lines = rng.choice(sources(examples)).splitlines()
        for mutate in rng.choices(OTHERS, k=rng.randint(1, 3)):
            if lines:
                mutate(rng, lines)
        for problem in problems_of(tmp_path / "exp.yaml", lines):
            assert problem.position is not None, problem
            assert problem.position.line is not None, problem
