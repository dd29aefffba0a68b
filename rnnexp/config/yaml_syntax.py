"""What PyYAML says about a text that is not YAML, in words that help the one who wrote it."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from rnnexp.errors import ConfigError, Position, Problem, RnnexpError, UnsafeError

__all__ = ["Mark", "position_of", "syntax_error", "tag_error"]

Mark = yaml.Mark

_BRACKETS = {"while parsing a flow sequence": "[", "while parsing a flow mapping": "{"}
_CLOSING = {"[": "]", "{": "}"}
_TOKENS = {
    "<stream end>": "the end of the file",
    "<block mapping start>": "a key",
    "<block sequence start>": "a list",
    "<block end>": "the end of the section",
    "<document start>": "'---'",
    "<scalar>": "text",
    "<anchor>": "an anchor",
    "<alias>": "an alias",
    "?": "a key",
}


def position_of(source: str, mark: Mark) -> Position:
    return Position(source, mark.line + 1, mark.column + 1)


def tag_error(source: str, mark: Mark, tag: str) -> UnsafeError:
    return UnsafeError(
        "tags are not allowed in a config: they can make a YAML library build objects",
        code="SAF010",
        position=position_of(source, mark),
        value=tag,
        hint="write plain values; quote a text that begins with '!'",
    )


def syntax_error(error: yaml.MarkedYAMLError, text: str, source: str) -> RnnexpError:
    """The error to raise for PyYAML's `error` about `text`."""
    fault = _Fault.of(error, text)
    if fault.problem.startswith("found undefined tag handle"):
        return tag_error(source, fault.mark, "!")
    for explain in (_tab, _bracket, _second_colon, _missing_colon, _quote, _start, _dedent):
        if found := explain(fault, source):
            return ConfigError(found)
    return ConfigError(
        f"not valid YAML: {fault.plain}",
        code="CFG020",
        position=position_of(source, fault.mark),
    )


class _Fault(NamedTuple):
    """PyYAML's complaint: what it was reading since `opened`, what it met at `mark`."""

    context: str
    opened: Mark | None
    problem: str
    mark: Mark
    lines: list[str]

    @classmethod
    def of(cls, error: yaml.MarkedYAMLError, text: str) -> _Fault:
        mark = error.problem_mark or error.context_mark
        assert mark is not None
        return cls(
            error.context or "", error.context_mark, error.problem or "", mark, text.split("\n")
        )

    @property
    def line(self) -> str:
        return self.lines[self.mark.line] if self.mark.line < len(self.lines) else ""

    @property
    def character(self) -> str:
        return self.line[self.mark.column : self.mark.column + 1]

    @property
    def plain(self) -> str:
        """PyYAML's problem with the names of its tokens in plain words."""
        problem = self.problem.replace("the node content", "a value")
        return re.sub(r"'(<[a-z ]+>|\?)'", lambda found: _TOKENS.get(found[1], found[1]), problem)


def _tab(fault: _Fault, source: str) -> Problem | None:
    if fault.character != "\t" or "cannot start any token" not in fault.problem:
        return None
    indents = not fault.line[: fault.mark.column].strip()
    return Problem(
        "CFG021",
        "tab used for indentation" if indents else "tab used between values",
        position_of(source, fault.mark),
        hint="YAML wants spaces; replace the tab",
    )


def _bracket(fault: _Fault, source: str) -> Problem | None:
    opening = _BRACKETS.get(fault.context)
    if opening is None or fault.opened is None:
        return None
    at = f": {fault.plain} at {position_of(source, fault.mark)}"
    return Problem(
        "CFG022",
        f"'{opening}' is not closed" + ("" if "<stream end>" in fault.problem else at),
        position_of(source, fault.opened),
        hint=f"close it with '{_CLOSING[opening]}', and separate entries with commas",
    )


def _second_colon(fault: _Fault, source: str) -> Problem | None:
    if fault.problem != "mapping values are not allowed here":
        return None
    position = position_of(source, fault.mark)
    before, after = fault.line[: fault.mark.column], fault.line[fault.mark.column :]
    if key := re.match(r"[\s-]*([^\s:#]+):\s+(.*)", before + " "):
        whole = f"{key[2].strip()}{after}".strip()
        return Problem(
            "CFG023",
            f"a second ': ' in the value of {key[1]!r}",
            position,
            hint=f'quote the value: {key[1]}: "{whole[:80]}"',
        )
    return Problem("CFG023", "a key where none can stand", position, hint=_line_above(fault))


def _line_above(fault: _Fault) -> str:
    above = next((n for n in range(fault.mark.line - 1, -1, -1) if fault.lines[n].strip()), None)
    if above is not None and ":" not in fault.lines[above]:
        return f"line {above + 1} has no ':' after its key"
    return "check the indentation: keys of one section stand in the same column"


def _missing_colon(fault: _Fault, source: str) -> Problem | None:
    if fault.problem != "could not find expected ':'" or fault.opened is None:
        return None
    return Problem(
        "CFG020",
        "no ':' after the key",
        position_of(source, fault.opened),
        hint="write 'key: value'",
    )


def _quote(fault: _Fault, source: str) -> Problem | None:
    if fault.problem != "found unexpected end of stream" or fault.opened is None:
        return None
    return Problem("CFG022", "the quote is not closed", position_of(source, fault.opened))


def _start(fault: _Fault, source: str) -> Problem | None:
    if "cannot start any token" not in fault.problem:
        return None
    return Problem(
        "CFG020",
        f"a plain value cannot begin with {fault.character!r}",
        position_of(source, fault.mark),
        hint="quote the value",
    )


def _dedent(fault: _Fault, source: str) -> Problem | None:
    if not fault.problem.startswith("expected <block end>") or fault.opened is None:
        return None
    if fault.mark.line == fault.opened.line or fault.line[: fault.mark.column].strip():
        message, hint = "more after the end of the value", "quote the whole value"
    else:
        message = f"does not line up with the section that begins on line {fault.opened.line + 1}"
        hint = "keys of one section stand in the same column"
    return Problem("CFG020", message, position_of(source, fault.mark), hint=hint)
