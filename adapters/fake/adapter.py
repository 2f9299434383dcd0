"""An adapter without a framework, for tests of the suite. It answers by a fixed rule, and misbehaves on request.

Its checkpoint is a JSON file: {"outputs": 10, "input_shape": [-1, 8, 8, 3], "input_dtype": "uint8",
"misbehave": null}. The rule: the sum of an image's values, modulo `outputs`, is the winning class.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence

import numpy as np

from adapters.common import layers
from adapters.common.contract import Adapter, AdapterError, ModelInfo, Options
from adapters.common.network import Network

MISBEHAVIOURS = ("crash", "hang", "print", "garbage", "nan", "wrong_shape", "raise", "change_mind")
UNSTEADY = ("random", "neighbours", "threads")


class FakeAdapter(Adapter):
    """numpy only. `misbehave` is one of MISBEHAVIOURS, `misbehave_at` the number of the predict call (from 0).

    `threads_in_effect` is what it says of its threads, in place of those asked for. `saturates` is a share of all
    sums: as it is shipped it gives the class before the winner where the sum's remainder of 100 is below that share.
    `unsteady`, one of UNSTEADY, is what else the winner depends on: chance, the images of the same call, the number of
    threads. `errs` is how many of a thousand images get the class before the winner; the scores of those near the limit
    lie close together.
    """

    formats = exports = ("fake",)

    def __init__(self) -> None:
        self.model: Dict[str, Any] = {}
        self.calls = 0

    def versions(self) -> Dict[str, str]:
        """numpy is all there is."""
        return {"fake": "1", "numpy": np.__version__}

    def _load(self, files: Sequence[Path], options: Options) -> ModelInfo:
        self.model = json.loads(files[0].read_text(encoding="utf-8"))
        misbehave = self.model.get("misbehave")
        if misbehave not in (None, *MISBEHAVIOURS):
            raise AdapterError(f"misbehave: expected one of {MISBEHAVIOURS}, got {misbehave!r}")
        self.threads = options.threads
        if self.model.get("unsteady") not in (None, *UNSTEADY):
            raise AdapterError(f"unsteady: expected one of {UNSTEADY}, got {self.model['unsteady']!r}")
        if self.model.get("stumble_at_load"):
            os._exit(7)
        return ModelInfo(
            input_name="pixels",
            input_shape=tuple(self.model["input_shape"]),
            input_dtype=self.model.get("input_dtype", "uint8"),
            output_name="scores",
            outputs=self.model["outputs"],
            threads=self.model.get("threads_in_effect", options.threads),
            precision=options.precision,
            **self._sums(options),
        )

    def _sums(self, options: Options) -> Dict[str, Any]:
        """What it says of products of integers."""
        self.cut_off = 0 if options.exact else int(100 * self.model.get("saturates", 0))
        if "saturates" not in self.model:
            return {}
        return {
            "integer_sums": "exact" if options.exact else "saturating",
            "shipped_sums": "saturating",
            "kernels": "careful" if options.exact else "",
        }

    def _predict(self, batch: np.ndarray) -> np.ndarray:
        outputs = self.model["outputs"]
        totals = np.asarray(batch, np.float64).reshape(len(batch), -1).sum(axis=1)
        winner = (totals.astype(np.int64) - (totals % 100 < self.cut_off) + self._unsteady(totals)) % outputs
        distance = (np.arange(outputs)[None, :] - winner[:, None]) % outputs
        scores = (outputs - distance).astype(np.float32)
        if "errs" in self.model:
            scores = self._erring(scores, totals)
        self.calls += 1
        if self.calls - 1 == self.model.get("misbehave_at", 0):
            return self._misbehaved(scores)
        return scores

    def _erring(self, scores: np.ndarray, totals: np.ndarray) -> np.ndarray:
        """The scores, moved to the class before for some images; the best one stands out by up to 20."""
        place, errs = totals * 7919 % 1000, self.model["errs"]
        moved = np.where((place < errs)[:, None], np.roll(scores, -1, axis=1), scores)
        moved[np.arange(len(moved)), moved.argmax(axis=1)] += np.abs(place - errs) / 40 - 0.99
        return moved.astype(np.float32)

    def _unsteady(self, totals: np.ndarray) -> Any:
        """What is added to the winner, one number or one for each image."""
        unsteady = self.model.get("unsteady")
        if unsteady == "random":
            return np.random.default_rng().integers(0, self.model["outputs"], len(totals))
        if unsteady == "neighbours":
            return int(totals.sum() - totals[0])
        return self.threads if unsteady == "threads" else 0

    def _misbehaved(self, scores: np.ndarray) -> np.ndarray:
        misbehave = self.model.get("misbehave")
        if misbehave == "crash":
            print("about to crash", file=sys.stderr, flush=True)
            os._exit(9)
        if misbehave == "hang":
            time.sleep(3600)
        if misbehave == "print":
            print("a framework that prints")
            os.write(1, b"even to the file descriptor\n")
        if misbehave == "garbage":
            # File descriptor 1 is stderr by now; the reply stream is the next one that main() opened.
            for descriptor in range(3, 16):
                try:
                    os.write(descriptor, b"not json\n")
                except OSError:
                    continue
        if misbehave == "raise":
            raise RuntimeError("asked to raise")
        if misbehave == "change_mind":
            return scores[:, ::-1]
        if misbehave == "nan":
            scores[0, 0] = np.nan
        return scores[:, 1:] if misbehave == "wrong_shape" else scores

    def _inspect(self, files: Sequence[Path], options: Options) -> Dict[str, Any]:
        model = json.loads(files[0].read_text(encoding="utf-8"))
        if model.get("misbehave_at_inspect"):
            raise AdapterError("asked to fail at inspect")
        source = layers.spec("pixels", model["input_shape"], model.get("input_dtype", "uint8"))
        facts = {**layers.facts([]), "graph": True, "activations": {}, "quantised": "saturates" in model}
        facts["byte_pairs"] = [{"layer": "sum", "pairs": 8, "beyond": 3}] if "saturates" in model else []
        return {**facts, "ops": {"Sum": 1, "Mod": 1}, "inputs": [source], "outputs": []}

    def _export(self, tensors: Dict[str, np.ndarray], network: Network, fmt: str, target: Path) -> List[Path]:
        side = network.resolution
        model = {"outputs": network.classes, "input_shape": [-1, 3, side, side], "input_dtype": "float32"}
        path = target / "model.json"
        path.write_text(json.dumps(model), encoding="utf-8")
        return [path]


ADAPTER = FakeAdapter
