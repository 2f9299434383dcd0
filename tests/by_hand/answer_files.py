"""References written by hand, and .npz files that are nearly ones."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from zoo.records.references import Reference, digest_of


def a_reference(stems: Sequence[str] = ("a", "b", "c"), seed: int = 0, **changes: Any) -> Reference:
    """Random answers to images of these names, among 1,000 classes, about as right as a real network's."""
    random, count = np.random.default_rng(seed), len(stems)
    fields: dict[str, Any] = {
        "subject": "embedded/onnx@onnxruntime", "run": "1f" * 32, "sha256": "ab" * 32, "population": "embedded_val",
        "labels_digest": "0d" * 32, "stems": tuple(sorted(stems)),
        "answers": random.integers(0, 1000, count).astype(np.int32),
        "margins": np.clip(random.gamma(1.3, 60, count), 0, 255).astype(np.uint8),
        "ranks": random.choice(6, count, p=[0.1, 0.71, 0.1, 0.05, 0.02, 0.02]).astype(np.uint8),
    }  # fmt: skip
    return Reference(**(fields | changes))


def written(reference: Reference) -> bytes:
    """As a file."""
    out = io.BytesIO()
    reference.write(out)
    return out.getvalue()


def arrays_of(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of an .npz by their names."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def edited(data: bytes, arrays: Mapping[str, np.ndarray | None] = MappingProxyType({}), **said: Any) -> bytes:
    """A file that has other arrays (None: not this one), or says something else, and states the digest of that."""
    known = arrays_of(data)
    about = json.loads(known["about"].tobytes()) | said
    changed = {name: array for name, array in (known | dict(arrays)).items() if array is not None}
    if len(changed) == len(known):
        words = {name: word for name, word in about.items() if name not in ("format", "digest")}
        about["digest"] = digest_of(words, changed)
    return packed(changed | {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)})


def packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """These arrays as .npz; those of objects are pickled."""
    out = io.BytesIO()
    np.savez_compressed(out, allow_pickle=True, **dict(arrays))
    return out.getvalue()


def with_member(data: bytes, name: str, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The same archive with other bytes in one member."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(out, "w") as after:
        for entry in before.infolist():
            is_it = entry.filename == name
            after.writestr(entry.filename, content if is_it else before.read(entry), compression if is_it else None)
    return out.getvalue()
