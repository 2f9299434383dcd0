"""What is found in checkpoint files: their bytes, and what an adapter measures in them.

Measured facts are kept under a key of everything they depend on, so that no file is inspected twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from zoo import disk, kept
from zoo.checkpoints import files
from zoo.checkpoints.files import Located
from zoo.checkpoints.handed import handed
from zoo.documents.load import Zoo
from zoo.errors import FileUnavailableError, WorkerError, ZooError
from zoo.frameworks import environments
from zoo.frameworks.environments import Environment
from zoo.frameworks.table import frameworks
from zoo.records import Checkpoint, File, Inspection, Measured, Port

Say = Callable[[str], None]
Ask = Callable[[dict[str, Any]], dict[str, Any]]  # options of a request -> an adapter's facts


def of_bytes(checkpoint: Checkpoint, framework: str, located: Located) -> Inspection:
    """An inspection with sizes and hashes alone. Files that were written here have no published hash to compare."""
    records = checkpoint.files or tuple(File(name=name) for name in located.names)
    descriptions = [files.described(*each) for each in zip(records, located.paths, located.digests, strict=True)]
    return Inspection(checkpoint=checkpoint.id, framework=framework, sha256=located.sha256, files=tuple(descriptions))


def of_wrong_bytes(checkpoint: Checkpoint, framework: str, zoo: Zoo) -> Inspection | None:
    """Files that have the checkpoint's names but not its published bytes. They are never loaded; None without any."""
    if checkpoint.unavailable or not checkpoint.files:
        return None
    others = [file for other in zoo.checkpoints.values() if other.id != checkpoint.id for file in other.files]
    misplaced = files.misplaced(checkpoint, zoo.root, others)
    descriptions = [files.described(file, path).changed(hash="different") for file, path in misplaced]
    if not descriptions:
        return None
    return Inspection(checkpoint=checkpoint.id, framework=framework, sha256="", files=tuple(descriptions))


def measured(
    inspection: Inspection, checkpoint: Checkpoint, environment: Environment, ask: Ask, *, fresh: bool = False
) -> Inspection:
    """The inspection with what an adapter measures in the files. If the adapter fails, `error` holds its message.

    ask: sends a worker these options and returns its facts. It is not called where the facts are kept already; fresh:
    call it all the same.
    """
    options = {
        "format": checkpoint.format,
        "network": checkpoint.network.to_json() if checkpoint.network else None,
        "extra": checkpoint.options,
    }
    key = _key(inspection, environment, options)
    path = disk.home() / "results" / "inspections" / f"{key}.json"
    try:
        facts = None if fresh else kept.read_json(path, key)
        if facts is None:
            facts = _measured(ask(options)).to_json()
            kept.write_json(path, key, facts)
    except WorkerError as error:
        return inspection.changed(error=str(error))
    return inspection.changed(measured=Measured.from_json(facts))


def _key(inspection: Inspection, environment: Environment, options: dict[str, Any]) -> str:
    files = [(file.name, file.sha256) for file in inspection.files]
    return disk.digest_of(["inspection", files, environment.identity(), options, sorted(Measured.model_fields)])


def _measured(facts: dict[str, Any]) -> Measured:
    """An adapter's facts as a record, without those that only this adapter has, such as the dialect of tensor names."""
    known = {name: facts[name] for name in Measured.model_fields if name in facts}
    for name in ("inputs", "outputs"):
        known[name] = [{field: port[field] for field in Port.model_fields if field in port} for port in facts[name]]
    return Measured.from_json(known)


@dataclass(frozen=True)
class Look:
    """What was looked at on this machine, of the checkpoints with published files."""

    checkpoints: int
    inspections: tuple[Inspection, ...] = ()

    def sentence(self) -> str:
        """How many files were looked at, in one line."""
        count = sum(len(inspection.files) for inspection in self.inspections)
        inside = sum(inspection.measured is not None for inspection in self.inspections)
        return (
            f"looked at {count} file{'s' * (count != 1)} on this machine, of {len(self.inspections)} of "
            f"{self.checkpoints} checkpoints; measured inside {inside}"
        )


def look(zoo: Zoo, say: Say, wanted: Iterable[Checkpoint] | None = None) -> Look:
    """Every checkpoint of a zoo whose files are here; measured where its framework's environment is built already.

    Nothing is fetched or built. Checkpoints that cannot be looked at are left out, and `say` is told why.
    """
    published = [each for each in wanted or zoo.checkpoints.values() if each.files and not each.unavailable]
    inspections = []
    for checkpoint in published:
        try:
            inspection = _inspected(checkpoint, zoo)
        except ZooError as error:
            say(f"{checkpoint.id}: not looked at: {error}")
            continue
        if inspection is not None:
            inspections.append(inspection)
            if inspection.error:
                say(f"{checkpoint.id}: not looked into: {inspection.error}")
    return Look(len(published), tuple(inspections))


def _inspected(checkpoint: Checkpoint, zoo: Zoo) -> Inspection | None:
    """One checkpoint's files, if they are here."""
    try:
        located = files.locate(checkpoint, zoo.root)
    except FileUnavailableError:
        return of_wrong_bytes(checkpoint, checkpoint.framework, zoo)
    inspection = of_bytes(checkpoint, checkpoint.framework, located)
    framework = frameworks().get(checkpoint.framework)
    environment = environments.find(framework) if framework else None
    if environment is None:
        return inspection
    return measured(inspection, checkpoint, environment, lambda options: _asked(environment, located, options))


def _asked(environment: Environment, located: Located, options: dict[str, Any]) -> dict[str, Any]:
    """Facts from a worker of its own."""
    with handed(located) as files, environments.started(environment, names=files.names) as worker:
        return dict(worker.request("inspect", files=files.paths, options={"threads": 1, **options})["facts"])
