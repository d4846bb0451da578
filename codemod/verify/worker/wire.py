"""Frames between the worker's own processes: eight bytes of length, then JSON.

The reading side trusts nothing: it knows a deadline and a largest size, and unpickles never.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from typing import Any, Dict, List, Optional

LARGEST = 256 * 1024 * 1024
_HEADER = struct.Struct("!Q")

# Bound once: the user's code may replace what it finds in these modules.
_monotonic = time.monotonic
_read = os.read
_write = os.write
_dumps = json.dumps
_loads = json.loads
_poll = select.poll
_POLLIN = select.POLLIN


class Closed(Exception):
    """The other side is gone."""


class Late(Exception):
    """The deadline passed."""


class TooLarge(Exception):
    """A frame beyond the largest size."""


class Garbled(Exception):
    """A frame that holds no JSON object."""


def pack(value: Dict[str, Any]) -> bytes:
    """The frame for a JSON object. Raises `TooLarge`."""
    data = _dumps(value).encode("utf-8")
    if len(data) > LARGEST:
        raise TooLarge(len(data))
    return _HEADER.pack(len(data)) + data


def send(fd: int, frame: bytes) -> None:
    """Write all of a frame. Raises OSError where the reader is gone."""
    view = memoryview(frame)
    while view:
        view = view[_write(fd, view) :]


class Reader:
    """Collects one frame from a descriptor, however slowly it comes."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._chunks: List[bytes] = []
        self._have = 0
        self._need: Optional[int] = None

    def feed(self) -> Optional[Dict[str, Any]]:
        """Read what is there; the object once it is whole. Call only where the descriptor is ready.

        Raises `Closed`, `TooLarge`, `Garbled`.
        """
        wanted = _HEADER.size - self._have if self._need is None else self._need - self._have
        chunk = _read(self._fd, min(wanted, 1 << 20))
        if not chunk:
            raise Closed
        self._chunks.append(chunk)
        self._have += len(chunk)
        if self._need is None:
            if self._have < _HEADER.size:
                return None
            (self._need,) = _HEADER.unpack(b"".join(self._chunks))
            self._chunks, self._have = [], 0
            if self._need > LARGEST:
                raise TooLarge(self._need)
        if self._have < self._need:
            return None
        return _object(b"".join(self._chunks))


def _object(data: bytes) -> Dict[str, Any]:
    try:
        value = _loads(data.decode("utf-8"))
    except ValueError:
        raise Garbled from None
    if not isinstance(value, dict):
        raise Garbled
    return value


def receive(fd: int, deadline: Optional[float]) -> Dict[str, Any]:
    """One object, by the deadline (`time.monotonic`).

    Raises `Closed`, `Late`, `TooLarge`, `Garbled`.
    """
    reader = Reader(fd)
    poll = _poll()
    poll.register(fd, _POLLIN)
    while True:
        wait = None if deadline is None else max(0.0, deadline - _monotonic()) * 1000
        if not poll.poll(wait):
            raise Late
        value = reader.feed()
        if value is not None:
            return value
