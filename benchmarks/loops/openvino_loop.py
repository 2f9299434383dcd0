"""OpenVINO: one compiled model of known shape, latency hint, float32."""

from __future__ import annotations

import loop
import openvino as ov


def build(files: list[str], batch: int, threads: int) -> loop.Predict:
    """float32 is asked for, as some processors would otherwise get bfloat16."""
    core = ov.Core()
    model = core.read_model(files[0])
    model.reshape([batch, 3, 224, 224])
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return lambda images: request.infer([images], share_inputs=True)[0]


if __name__ == "__main__":
    loop.main(build, (3, 224, 224))
