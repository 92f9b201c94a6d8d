"""GIF (CompuServe, 1990): the blocks of its first picture; the pictures after it are counted."""

import struct

from explorer.core.containers.contents import MAX_FRAMES, MAX_PARTS, Contents, damaged, too_many_parts
from explorer.core.errors import PictureError

_EXTENSION, _PICTURE, _END, _CONTROL = 0x21, 0x2C, 0x3B, 0xF9


def read(data: bytes) -> Contents:
    walk = _Walk(data)
    control, start = walk.to_picture()
    end = walk.past_picture(start)
    width, height = struct.unpack_from("<HH", data, 6)
    left, top, across, down = struct.unpack_from("<4H", data, start + 1)
    width, height = max(width, left + across), max(height, top + down)
    if not width or not height:
        raise damaged("GIF")
    kept = b"".join((data[: walk.begin], control, data[start:end], b";"))
    return Contents("GIF", (width, height), kept, width * height * 8, frames=walk.count(end))


class _Walk:
    """A walk through the blocks of a file; all its parts together are at most MAX_PARTS."""

    def __init__(self, data: bytes):
        self.data, self.left = data, MAX_PARTS
        if len(data) < 13:
            raise damaged("GIF")
        self.begin = self.position = 13 + _table(data[10])

    def to_picture(self) -> tuple[bytes, int]:
        """The control block of the next picture, if any, and where that picture begins."""
        control = b""
        while self.position + 10 < len(self.data):
            kind = self.data[self.position]
            if kind == _PICTURE:
                return control, self.position
            if kind == _END:
                break
            if kind != _EXTENSION:
                self.position += 1
                self._step()
                continue
            begin, self.position = self.position, self.position + 2
            self._past_blocks()
            if self.data[begin + 1] == _CONTROL:
                control = self.data[begin : self.position]
        raise damaged("GIF")

    def past_picture(self, start: int) -> int:
        """Where the picture that begins there ends."""
        self.position = start + 11 + _table(self.data[start + 9])
        self._past_blocks()
        return self.position

    def count(self, end: int) -> int:
        """How many pictures there are, MAX_FRAMES + 1 for more than are counted; the first one ends at `end`."""
        self.position, frames = end, 1
        while frames <= MAX_FRAMES:
            try:
                _, start = self.to_picture()
                self.past_picture(start)
            except PictureError:  # the end, or more parts than are walked through
                return frames if self.left else MAX_FRAMES + 1
            frames += 1
        return frames

    def _past_blocks(self) -> None:
        data, position = self.data, self.position
        while position < len(data) and data[position]:
            position += 1 + data[position]
            self._step()
        self.position = position + 1

    def _step(self) -> None:
        if not self.left:
            raise too_many_parts("GIF")
        self.left -= 1


def _table(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << (flags & 7) + 1 if flags & 128 else 0
