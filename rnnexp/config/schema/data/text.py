"""`data:` one long text, of which every next unit is predicted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnnexp.config.schema.data.split import Split, Steps
from rnnexp.config.schema.section import Section

__all__ = ["PythonDocs", "Text", "TextCorpus"]


class TextCorpus(Section):
    """One long text; the network predicts every next unit. Split into contiguous parts."""

    unit: Literal["character", "word"] = "character"
    """what one time step is: a character, or a word (runs of letters or digits, single marks)"""
    window: Steps = 64
    """T, time steps per window; windows follow each other without overlap"""
    lowercase: bool = False
    """fold the text to lower case first"""
    max_vocabulary: Annotated[int, Field(ge=2, le=1_000_000)] | None = None
    """keep only so many of the most frequent units of the training part; the rest is unknown"""
    split: Split = Split(train=0.9, val=0.05, test=0.05)
    """contiguous shares of the text, in order"""


class Text(TextCorpus):
    """A UTF-8 text file of yours, read as one stream."""

    source: Literal["text"]
    """`text`: a UTF-8 text file of yours"""
    path: str
    """the file, relative to the config that names it, or `data:NAME` of `rnnexp data ls`"""


class PythonDocs(TextCorpus):
    """The English documentation that comes with Python's standard library, as a corpus."""

    source: Literal["python_docs"]
    """`python_docs`: the standard library's English documentation (offline, about 0.7 MB)"""
