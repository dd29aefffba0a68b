"""`rnnexp schema`: the JSON Schema of a config."""

from __future__ import annotations

import json as json_module
import sys

from .options import DebugOption, JsonOption
from .render import print_json

__all__ = ["schema"]


def schema(
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

    if json:
        print_json(json_schema())
    else:
        sys.stdout.write(json_module.dumps(json_schema(), indent=2) + "\n")
