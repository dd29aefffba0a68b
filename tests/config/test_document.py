"""YAML text -> values and positions, and every way in which it is not a config."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnexp.config.document import load_document
from rnnexp.config.yaml_reading import decode
from rnnexp.errors import ConfigError, Position, RnnexpError, UnsafeError


def refused(
    text: str, error: type[RnnexpError] = ConfigError
) -> tuple[int | None, int | None, str]:
    """Line, column and message of what is wrong with a text."""
    with pytest.raises(error) as caught:
        load_document(text, "exp.yaml")
    (problem,) = caught.value.problems
    assert problem.position is not None
    assert problem.position.file == "exp.yaml"
    words = " ".join(filter(None, (problem.message, problem.hint)))
    return problem.position.line, problem.position.column, words


def test_values_and_positions() -> None:
    document = load_document("# c\na: 1\nb:\n  c: [x, 'no', no]\n  d: {e: 1e-3}\n", "exp.yaml")
    assert document.tree == {"a": 1, "b": {"c": ("x", "no", "no"), "d": {"e": 0.001}}}
    key, value = document.places["b", "d", "e"].key, document.places["b", "d", "e"].value
    assert (key, value) == (Position("exp.yaml", 5, 7), Position("exp.yaml", 5, 10))
    assert document.places["b", "c", 2].value == Position("exp.yaml", 4, 16)


def test_anchors_and_aliases_share_values() -> None:
    document = load_document("a: &x {k: [1]}\nb: *x\n", "exp.yaml")
    assert document.tree["b"] == {"k": (1,)}


def test_duplicate_keys_name_both_lines_and_the_first_wins() -> None:
    document = load_document("o:\n  lr: 1\n  x: 2\n  lr: 3\n", "exp.yaml")
    (problem,) = document.problems
    assert problem.message == "given twice, on lines 2 and 4"
    assert problem.position == Position("exp.yaml", 4, 3)
    assert document.tree == {"o": {"lr": 1, "x": 2}}


@pytest.mark.parametrize("key", ["1", "null", "true", "1.5", "? [a, b]\n", "? {a: b}\n"])
def test_keys_are_text(key: str) -> None:
    (problem,) = load_document(f"{key}: x\n", "exp.yaml").problems
    assert problem.message == "a key must be text"


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n# nothing\n"])
def test_an_empty_file_lists_what_it_needs(text: str) -> None:
    document = load_document(text, "exp.yaml")
    (problem,) = document.problems
    assert problem.position == Position("exp.yaml", 1, 1)
    assert "name, data, task" in str(problem.allowed)


@pytest.mark.parametrize("text", ["- a\n- b\n", "word\n", "[1]", "3"])
def test_the_top_must_be_a_mapping(text: str) -> None:
    line, column, words = refused(text)
    assert (line, column) == (1, 1)
    assert "must be a mapping" in words


SYNTAX = {
    "tab as indentation": ("model:\n\tcell: lstm\n", 2, 1, "tab used for indentation"),
    "tab between values": ("a: [1,\t2]", 1, 7, "tab"),
    "bracket never closed": ("b: 1\na: [1, 2\n", 2, 4, "'[' is not closed"),
    "brace closed by a bracket": ("a: {b: 1]}", 1, 4, "'{' is not closed"),
    "bracket left open": ("a: [1, 2\nb: 3\n", 1, 4, "2:2"),
    "second colon": ("name: a: b\n", 1, 8, 'quote the value: name: "a: b"'),
    "second colon in a section": ("m:\n  n: x: y\n", 2, 7, 'n: "x: y"'),
    "deeper than its section": ("a: 1\n  b: 2\n", 2, 4, "indentation"),
    "key without a colon": ("epochs 10\nfoo: 1\n", 2, 4, "line 1 has no ':'"),
    "last key without a colon": ("foo: 1\nepochs 10\n", 2, 1, "no ':' after the key"),
    "out of line": ("m:\n   a: 1\n  b: 2\n", 3, 3, "does not line up"),
    "quote not closed": ("a: 'x\nb: 1\n", 1, 4, "quote is not closed"),
    "reserved character": ("a: @x\n", 1, 4, "quote the value"),
    "more after a quote": ('a: "x" y\n', 1, 8, "quote the whole value"),
    "unknown escape": ('a: "\\q"\n', 1, 6, "escape"),
    "unknown alias": ("a: *x\n", 1, 4, "no anchor is called 'x'"),
    "second document": ("a: 1\n---\nb: 1\n", 2, 1, "one document"),
    "list after a mapping": ("a: 1\n- b\n", 2, 1, "does not line up"),
    "five thousand digits": ("a: 1\nb: " + "9" * 5000, 2, 4, "5,000 characters"),
    "nested deeper than 20": ("a: " + "[" * 21, 1, 23, "nested deeper than 20"),
    "nested by dashes": ("- " * 30, 1, 41, "nested deeper than 20"),
}


@pytest.mark.parametrize("case", SYNTAX)
def test_syntax(case: str) -> None:
    text, line, column, words = SYNTAX[case]
    assert refused(text)[:2] == (line, column)
    assert words in refused(text)[2]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "a: ["])
def test_hundreds_of_thousands_of_brackets_are_refused_at_once(opening: str) -> None:
    began = time.perf_counter()
    refused(opening * 200_000)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    "tag",
    ['!!python/object/apply:os.system ["touch canary"]', "!foo x", "!foo!bar x", "!!int 3", "! x",
     "!<tag:yaml.org,2002:python/name:os.system> x", "!!map {a: 1}", "&b !!seq [1]"],
)  # fmt: skip
def test_tags_are_refused_as_unsafe(tag: str) -> None:
    line, _, words = refused(f"a: 1\nb: {tag}\n", UnsafeError)
    assert line == 2
    assert "tags are not allowed" in words


def test_aliases_that_multiply_are_refused_before_they_are_built() -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    for below, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{','.join([f'*{below}'] * 9)}]")
    line, _, words = refused("\n".join(lines), UnsafeError)
    assert line == 5
    assert "more than 10,000 nodes" in words


def test_ten_thousand_nodes_are_the_limit() -> None:
    most = "a: [" + "1," * 9_997 + "]"
    assert len(load_document(most, "exp.yaml").tree["a"]) == 9_997
    refused("a: [" + "1," * 9_998 + "]", UnsafeError)


@pytest.mark.parametrize("text", ["&a [*a]", "a: &a {b: [*a]}", "&a {x: *a}"])
def test_an_alias_that_contains_itself(text: str) -> None:
    assert "contains itself" in refused(text, UnsafeError)[2]


def test_not_utf8_has_line_column_and_offset() -> None:
    with pytest.raises(ConfigError) as caught:
        decode(b"a: 1\nname: \xc3\xa9caf\xe9\n", "exp.yaml")
    (problem,) = caught.value.problems
    assert problem.position == Position("exp.yaml", 2, 11)
    assert "byte offset 16" in problem.message


def test_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert load_document(decode(b"\xef\xbb\xbfa: 1", "exp.yaml"), "exp.yaml").tree == {"a": 1}


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\ufffe"])
def test_control_characters_have_a_position(character: str) -> None:
    with pytest.raises(ConfigError) as caught:
        decode(f"a: 1\nb: x{character}".encode(), "exp.yaml")
    assert caught.value.problems[0].position == Position("exp.yaml", 2, 5)


def test_a_file_of_more_than_a_mebibyte() -> None:
    with pytest.raises(ConfigError, match="larger than"):
        decode(b"#" * (1024 * 1024 + 1), "exp.yaml")


@given(st.text(alphabet=st.sampled_from("ab:-[]{},#&*!|>'\"%@`? \n\t0.~\\é"), max_size=60))
def test_any_text_loads_or_is_refused_with_a_position(text: str) -> None:
    try:
        load_document(text, "exp.yaml")
    except RnnexpError as error:
        for problem in error.problems:
            assert problem.position is not None
            assert problem.position.line is not None


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp")))
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def as_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: as_lists(inner) for key, inner in value.items()}
    return [as_lists(inner) for inner in value] if isinstance(value, tuple) else value


@given(st.dictionaries(TEXT, PLAIN, min_size=1, max_size=4))
def test_json_is_read_as_it_is(tree: dict[str, Any]) -> None:
    text = json.dumps(tree, ensure_ascii=False)
    assert as_lists(load_document(text, "exp.yaml").tree) == tree
