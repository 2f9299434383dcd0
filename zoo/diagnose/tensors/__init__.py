"""The look at a file alone: what its graph and its tensors show without an image.

`look` gives `Findings`; what a file holds comes as a `FileNetwork` of zoo.diagnose.network.
"""

from zoo.diagnose.tensors.look import look
from zoo.diagnose.tensors.relatives import Reference

__all__ = ["Reference", "look"]
