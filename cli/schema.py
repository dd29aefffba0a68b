"""`rnnexp schema`: the JSON Schema of a config."""

from __future__ import annotations

import json as json_module
import sys
from typing import Annotated

import typer

from .options import DebugOption, JsonOption
from .render import print_json
from .text import print_text

__all__ = ["schema"]


def schema(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the reference page instead.")
    ] = False,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Print the JSON Schema of a config, for completion and checks in an editor.

    With an editor's YAML plug-in, put this first in a config:
    # yaml-language-server: $schema=rnnexp.schema.json

    Example:
      rnnexp schema > rnnexp.schema.json
    """
    from rnnexp.config.json_schema import json_schema
    from rnnexp.config.reference import reference

    if markdown:
        print_text(reference().rstrip("\n"))
    elif json:
        print_json(json_schema())
    else:
        sys.stdout.write(json_module.dumps(json_schema(), indent=2) + "\n")
