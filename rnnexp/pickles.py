"""Knowing a pickle when one comes along, so that nothing in it is ever interpreted."""

from __future__ import annotations

__all__ = ["is_pickle"]

BINARY = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
TEXT_OPCODES = b"(c])}IJLNSVFKMp"


def is_pickle(data: bytes) -> bool:
    """Known by its first bytes and its last, whatever the file is called.

    Protocol 0 and 1 begin with any of many letters and end in a full stop; a safetensors file,
    whose header opens with a brace after eight bytes, may look like that and is none.
    """
    text = data[:1] in TEXT_OPCODES and data[-1:] == b"." and data[8:9] != b"{"
    return bool(data) and (data.startswith(BINARY) or text)
