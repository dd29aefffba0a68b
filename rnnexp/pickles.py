"""Knowing a pickle when one comes along, so that nothing in it is ever interpreted."""

from __future__ import annotations

import re

__all__ = ["is_pickle"]

BINARY = re.compile(rb"\x80[\x02-\x05][().012BCF-NP-VX\]a-eg-jl-u}\x81-\x98]")
"""protocols 2 to 5: a number of the protocol, then the first of the opcodes"""
TEXT_OPCODES = b"(c])}IJLNSVFKMpXG"


def is_pickle(data: bytes) -> bool:
    """Known by its first bytes and its last, whatever the file is called.

    Protocols 0 and 1 begin with any of many letters and end in a full stop. The length of a
    safetensors header may look like either, and its file is none.
    """
    text = data[:1] in TEXT_OPCODES and data[-1:] == b"."
    return bool(data) and (text or bool(BINARY.match(data))) and not _is_safetensors(data)


def _is_safetensors(data: bytes) -> bool:
    """Whether eight bytes give the length of a header that is there, and it opens with a brace."""
    return data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= len(data) - 8
