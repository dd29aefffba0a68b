"""Unpacking gzip piece by piece: a small file can unpack to more than any memory holds."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from rnnexp.errors import DataError, Position

__all__ = ["MAGIC", "PIECE", "gunzip"]

MAGIC = b"\x1f\x8b"
PIECE = 1 << 20
"""bytes that are held at a time, packed or unpacked"""
GZIP = 16 + zlib.MAX_WBITS


def gunzip(packed: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The content of every member of a gzip file, at most `PIECE` bytes at a time.

    Raises:
        DataError: the file ends too early, or is no gzip from some byte on.
    """
    member, offset = zlib.decompressobj(GZIP), 0
    for piece in packed:
        rest, full = piece, False
        while rest or full:
            if member.eof:
                rest = rest.lstrip(b"\0")  # blocks of a tape or a disk are filled up with zeros
                if not rest:
                    break
                member = zlib.decompressobj(GZIP)
            try:
                content = member.decompress(rest, PIECE)
            except zlib.error as error:
                raise _damaged(name, offset + len(piece) - len(rest), str(error)) from None
            if content:
                yield content
            rest = member.unused_data if member.eof else member.unconsumed_tail
            full = len(content) == PIECE and not member.eof
        offset += len(piece)
    if not member.eof:
        raise _damaged(name, offset, "the file ends before its content does")


def _damaged(name: str, offset: int, reason: str) -> DataError:
    reason = reason.rpartition(": ")[2]
    return DataError(
        f"damaged gzip: {reason}, in the packed bytes from offset {offset:,} on",
        code="DAT171",
        position=Position(name),
        hint="fetch the file again; gzip -t tests it",
    )
