"""The command that runs or diagnoses one checkpoint again, on the images and with the options that its run had."""

from __future__ import annotations

from typing import Any, Literal

from zoo.jobs.case import Opened

_OF_DIAGNOSE = ("zoo", "images", "labels", "recipe", "numeric", "arithmetic")  # options that `zoo diagnose` has too


def again(opened: Opened, verb: Literal["validate", "diagnose"] = "validate", **changes: Any) -> tuple[str, ...]:
    """Its words. changes: fields of the request with other values, such as `numeric`."""
    zoo, checkpoint, framework = opened.zoo, opened.planned.checkpoint, opened.planned.framework
    request = opened.request
    if verb == "diagnose":
        request = type(request)(**{name: getattr(request, name) for name in _OF_DIAGNOSE})
    frameworks = None if framework.name == checkpoint.framework else (framework.name,)
    narrowed: dict[str, Any] = {"zoo": zoo.name, "checkpoints": checkpoint.id, "frameworks": frameworks}
    root = None if opened.source is None else opened.source.whole.set.root
    if request.images is None and root is not None and root.resolve() != (zoo.root / "images").resolve():
        narrowed["images"] = str(root)
    asked = request.changed(**(narrowed | {"diagnose": False, "thumbnails": False} | changes))
    return ("zoo", verb, *asked.arguments()[2:])
