"""CSV files as they come, and what is said about those that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnexp.data.reading_files import SourceFile
from rnnexp.data.sources.csv_table import read_table
from rnnexp.errors import DataError, Position, Problem

ASKED = Position("experiment.yaml", 5, 3)
GOOD = "t,y\n" + "".join(f"{t},{t * 1.5}\n" for t in range(20))


def read(content: str | bytes, *names: str, name: str = "a.csv", drop: bool = False) -> Any:
    raw = content if isinstance(content, bytes) else content.encode()
    return read_table(SourceFile(name, raw), names or ("y",), ASKED, 4, drop=drop)


def refused(content: str | bytes, *names: str, **options: Any) -> Problem:
    with pytest.raises(DataError) as caught:
        read(content, *names, **options)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        "\n\n" + GOOD,
        GOOD.replace("\n5,", "\n\n5,") + "\n\n",
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace(",", "|"),
        GOOD.replace(",", ", "),
        GOOD.replace("t,y", '"t","y"'),
        "".join(f'"a, b",{line}' for line in GOOD.splitlines(keepends=True)),
    ],
)
def test_the_same_table_in_other_clothes(content: str) -> None:
    assert read(content).values[:, 0].tolist() == [t * 1.5 for t in range(20)]


def test_a_tsv_file_is_split_at_tabs() -> None:
    assert read("a,b\ty\n1,5\t2\n", "y", name="a.tsv").values.tolist() == [[2]]


def test_columns_come_in_the_order_they_are_asked_for() -> None:
    table = read("a,b,c\n1,2,3\n4,5,6\n", "c", "a")
    assert table.values.tolist() == [[3, 1], [6, 4]]


def with_line_17(line: str) -> str:
    lines = GOOD.splitlines()
    return "\n".join([*lines[:16], line, *lines[17:]]) + "\n"


@pytest.mark.parametrize(
    ("content", "line", "column", "words"),
    [
        ("", 1, None, ["empty", "0 rows", "at least 4"]),
        ("\n \n", 1, None, ["0 rows"]),
        ("t,y\n", 1, None, ["only a header", "0 rows", "at least 4"]),
        (with_line_17("15"), 17, None, ["expected 2 fields", "got 1"]),
        (with_line_17("15,1,2"), 17, None, ["expected 2 fields", "got 3"]),
        (with_line_17("15,abc"), 17, 2, ["column 2 'y'", "must be a number"]),
        (with_line_17("15,1_000"), 17, 2, ["must be a number"]),
        (with_line_17('15,"3,14"'), 17, 2, ["must be a number"]),
        (
            with_line_17("15,"),
            17,
            2,
            ["1 value is blank, NaN or infinite", "line 17, column 2 'y'"],
        ),
        (with_line_17("15,NA"), 17, 2, ["blank, NaN or infinite"]),
        (with_line_17("15,-inf"), 17, 2, ["blank, NaN or infinite"]),
        (with_line_17("15,1e400"), 17, 2, ["blank, NaN or infinite"]),
        (with_line_17("15,1e39"), 17, 2, ["too large for float32"]),
        (with_line_17('"15,1'), 17, None, ["cannot be read as CSV"]),
        (with_line_17('"15"5,1'), 17, None, ["cannot be read as CSV"]),
        (with_line_17("15," + "1" * 200_000), 17, None, ["field larger"]),
        (with_line_17("15,\0"), 17, 4, ["NUL byte", "byte offset"]),
        (GOOD.encode("utf-16"), 1, 1, ["not UTF-8", "0xff", "byte offset 0"]),
        (with_line_17("15,café").encode("latin-1"), 17, 7, ["not UTF-8", "0xe9"]),
        ("y,y\n1,2\n", 1, None, ["'y' 2 times", "columns 1, 2"]),
        ("y\n1\n\n3\n", 3, 1, ["1 value is blank"]),
    ],
)
def test_what_is_wrong_and_where(
    content: str | bytes, line: int, column: int | None, words: list[str]
) -> None:
    problem = refused(content)
    assert problem.position == Position("a.csv", line, column)
    for word in words:
        assert word in problem.message


def test_the_value_of_a_bad_cell_is_given() -> None:
    problem = refused(with_line_17('15,"3,14"'))
    assert problem.value == "3,14"
    assert problem.hint == "a decimal comma? write a point"
    assert "leave it out" in str(refused(with_line_17('15,"1,000"')).hint)


def test_dates_out_of_order_are_refused_where_they_first_step_back() -> None:
    rows = "".join(f"2020-0{month}-01,1\n" for month in (1, 2, 2, 5, 4, 6))
    problem = refused("t,y\n" + rows)
    assert problem.position == Position("a.csv", 6)
    assert "'2020-04-01' comes after '2020-05-01'" in problem.message
    assert read("t,y\n" + rows.replace("05-01", "03-01")).values.shape == (6, 1)
    assert len(read("t,y\n2020-01-01 9:00,1\n2020-01-01 10:00,2\n").values) == 2


def test_many_missing_values_are_counted_and_three_are_placed() -> None:
    problem = refused("t,y,z\n" + "1,,2\n3,4,nan\n" * 5, "y", "z")
    assert problem.message.startswith("10 values are blank")
    assert (
        "line 2, column 2 'y'; line 3, column 3 'z'; line 4, column 2 'y' and 7 more"
        in problem.message
    )
    assert problem.hint == "data.nan: drop leaves those rows out"


def test_rows_with_missing_values_can_be_dropped() -> None:
    table = read("t,y\n1,1\n2,\n3,inf\n4,4\n", drop=True)
    assert table.values[:, 0].tolist() == [1, 4]
    assert table.lines.tolist() == [2, 5]
    assert table.record["rows_dropped"] == 2


@pytest.mark.parametrize("name", ["Y", "yy", "nothing", ""])
def test_a_column_that_is_not_there(name: str) -> None:
    problem = refused(GOOD, name)
    assert problem.position == ASKED
    assert problem.key == "data.value"
    assert problem.value == name
    assert problem.allowed == "'t', 'y'"
    assert problem.suggestion == ("y" if name.lower().startswith("y") else None)


def test_a_column_asked_for_twice_and_none_at_all() -> None:
    assert "more than once" in refused(GOOD, "y", "y").message
    with pytest.raises(DataError):
        read_table(SourceFile("a.csv", GOOD.encode()), (), ASKED, 4)


def test_a_file_without_a_header() -> None:
    problem = refused(GOOD.partition("\n")[2])
    assert problem.hint == "the first line must name the columns"


def test_newest_first_is_refused() -> None:
    days = [f"2020-01-{day:02d},{day}\n" for day in range(1, 21)]
    assert len(read("date,y\n" + "".join(days)).values) == 20
    problem = refused("date,y\n" + "".join(days[::-1]))
    assert "newest" in problem.message
    assert problem.position == Position("a.csv", 2)


def test_the_range_of_dates_goes_into_the_record() -> None:
    assert read("year,y\n1999,1\n2000,2\n").record["range"] == ["1999", "2000"]
    assert "range" not in read("name,y\nab,1\ncd,2\n").record


finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=20), st.sampled_from(",;\t|"))
def test_what_is_written_is_read_back(rows: list[tuple[float, float]], delimiter: str) -> None:
    text = f"a{delimiter}b\n" + "".join(f"{a!r}{delimiter}{b!r}\n" for a, b in rows)
    assert read(text, "a", "b").values.tolist() == [list(row) for row in rows]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet='y,;\t"\r\n 1.-e\ufeff\0xé', max_size=60) | st.binary(max_size=40))
def test_any_text_is_read_or_refused(content: str | bytes) -> None:
    for drop in (False, True):
        try:
            table = read(content, drop=drop)
        except DataError as error:
            assert error.problems[0].position is not None
        else:
            assert np.isfinite(table.values).all()


def test_the_file_is_named_relative_to_the_config(make: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(GOOD)
    dataset = make({"source": "csv", "path": "a.csv", "value": "y", "window": 3})
    (file,) = dataset.record["files"]
    assert file["path"] == str(tmp_path / "a.csv")
    assert file["bytes"] == len(GOOD)
