"""`data:` one long text, of which every next unit is predicted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnnexp.config.schema.data.split import Pieces, Split, Steps
from rnnexp.config.schema.section import FilePath, Section

__all__ = ["PythonDocs", "Text", "TextCorpus"]


class TextCorpus(Section):
    """One long text; the network predicts every next unit. Split into contiguous parts."""

    unit: Literal["character", "word", "bpe"] = "character"
    """one time step: a character, a word (a run of letters or digits, a mark), or a byte pair"""
    pieces: Pieces | None = None
    """unit: bpe: how many byte pairs there are at most, the 256 single bytes among them"""
    window: Steps = 64
    """T, time steps per window; windows follow each other without overlap"""
    lowercase: bool = False
    """fold the text to lower case first"""
    max_vocabulary: Annotated[int, Field(ge=2, le=1_000_000)] | None = None
    """keep only so many of the most frequent units of the training part; the rest is unknown"""
    split: Split = Split(train=0.9, val=0.05, test=0.05)
    """contiguous shares of the text, in order (byte pairs: of its characters)"""


class Text(TextCorpus):
    """A UTF-8 text file of yours, packed by gzip or not, read as one stream.

    A large one is never held in memory: its ids lie in the cache, which RNNEXP_DATA names. Small
    shares for `split.val` and `split.test` keep the scoring of a very long text short.
    """

    source: Literal["text"]
    """`text`: a UTF-8 text file of yours"""
    path: FilePath
    """the file, relative to the config that names it, or `data:NAME` of `rnnexp data ls`"""


class PythonDocs(TextCorpus):
    """The English documentation that comes with Python's standard library, as a corpus."""

    source: Literal["python_docs"]
    """`python_docs`: the standard library's English documentation (offline, about 0.7 MB)"""
