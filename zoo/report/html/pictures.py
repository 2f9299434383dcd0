"""Which pictures a page shows, and what it says about them. The caller makes the pictures."""

from __future__ import annotations

import re

from zoo.report import text
from zoo.report.extras import Extras

MOST = 1_000_000  # characters of all pictures together, so that a page stays under 2 MB
_JPEG = re.compile(r"data:image/jpeg;base64,[A-Za-z0-9+/]+={0,2}")  # nothing else is let into a page


def shown(extras: Extras) -> dict[str, str]:
    """Image id -> data URI for the discordant images, those listed first as far as there is room."""
    pictures: dict[str, str] = {}
    room = MOST
    for name in _discordant(extras):
        uri = extras.thumbnails.get(name, "")
        if name not in pictures and _JPEG.fullmatch(uri) and len(uri) <= room:
            pictures[name] = uri
            room -= len(uri)
    return pictures


def sentence(pictures: dict[str, str], extras: Extras) -> str:
    """How many are shown of how many that are listed."""
    listed = len({*_discordant(extras)})
    if len(pictures) == listed:
        return ""
    many = f"{len(pictures)} of {text.counted(listed, 'image')} are pictured"
    return f"{many}: the others could not be read, or a page of 2 MB has no room for them."


def _discordant(extras: Extras) -> list[str]:
    return [image.image for group in extras.agreement for image in group.discordant]
