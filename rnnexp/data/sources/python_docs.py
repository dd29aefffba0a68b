"""`source: python_docs`: the English documentation that `help()` shows for Python's topics.

It comes with Python itself and changes from one Python version to the next: the version and the
SHA-256 of the text go into the record.
"""

from __future__ import annotations

import hashlib
import platform

from rnnexp.config.config import Config
from rnnexp.config.data_settings import PythonDocs
from rnnexp.data.dataset import Dataset
from rnnexp.data.sources.text import stream_of
from rnnexp.errors import EnvironmentMissingError

__all__ = ["load", "topics_text"]


def load(config: Config, data: PythonDocs) -> Dataset:
    """The documentation as one stream.

    Raises:
        EnvironmentMissingError: this build of Python comes without it.
    """
    try:
        text = topics_text()
    except ImportError:
        raise EnvironmentMissingError(
            f"this build of Python {platform.python_version()} comes without its documentation "
            "(the module pydoc_data.topics)",
            code="ENV102",
            position=config.where("data.source"),
            key="data.source",
            value="python_docs",
            hint="install the full Python, or use source: text with a file of your own",
        ) from None
    record = {
        "python": platform.python_version(),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    return stream_of(config, data, text, record)


def topics_text() -> str:
    """Every topic once, sorted by its name; blanks at line ends and outer blank lines removed."""
    from pydoc_data.topics import topics

    pages = dict.fromkeys(topics[name] for name in sorted(topics))
    lines = (line.rstrip() for page in pages for line in f"{page.strip()}\n\n".splitlines())
    return "\n".join(lines)
