"""PyTorch's own resize, which torchvision uses for tensors, in its environment."""

from __future__ import annotations

import apply
import numpy as np
import torch


def interpolate(image: np.ndarray, size: int, antialias: bool) -> np.ndarray:
    """Bilinear, short side to `size`, the long one cut to whole pixels; uint8 in, uint8 out."""
    height, width = image.shape[:2]
    new = (int(size * height / width), size) if width <= height else (size, int(size * width / height))
    return interpolate_to(image, *new, mode="bilinear", antialias=antialias)


def interpolate_to(image: np.ndarray, height: int, width: int, mode: str, antialias: bool) -> np.ndarray:
    """To a given size; uint8 in, uint8 out."""
    batch = torch.from_numpy(image.copy()).permute(2, 0, 1)[None]
    resized = torch.nn.functional.interpolate(batch, (height, width), mode=mode, antialias=antialias)
    return resized[0].permute(1, 2, 0).contiguous().numpy()


if __name__ == "__main__":
    apply.main(globals())
