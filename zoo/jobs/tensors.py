"""Opens the files that the look at tensors needs: the checkpoint's own, and those of its nearest relatives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from zoo.checkpoints import files
from zoo.diagnose import tensors
from zoo.diagnose.network import FileNetwork, parsed
from zoo.diagnose.tensors import Reference
from zoo.errors import ZooError
from zoo.frameworks import environments
from zoo.frameworks.table import framework
from zoo.jobs.case import Kin, Opened
from zoo.jobs.command_lines import again
from zoo.measure.accuracy import Evaluation
from zoo.measure.preparation import Planned
from zoo.records.diagnoses import Findings

MOST = 2  # relatives: one may be the wrong one, and a third says nothing new


def look(opened: Opened) -> Findings:
    """What the file of the run shows, alone and beside those of its relatives. No image is looked at.

    What cannot be opened is named under `not_looked`; nothing is raised for it.
    """
    try:
        own = network_of(opened, opened.planned)
    except ZooError as error:
        return Findings(not_looked=(f"tensors of {opened.planned.checkpoint.id}: {error}",))
    references: list[Reference] = []
    failed: list[str] = []
    for kin in _here(opened):
        if len(references) == MOST:
            break
        name = kin.planned.checkpoint.id
        try:
            references.append(Reference(name, kin.kinship, network_of(opened, kin.planned), kin.planned.recipe))
        except ZooError as error:
            failed.append(f"tensors of {name} ({kin.kinship}): {error}")
    found = tensors.look(opened.case, own, references, again(opened, "diagnose"))
    if not references and not failed:
        failed = ["tensors against a relative: the file of none is on this machine"]
    return found + Findings(not_looked=tuple(failed))


def network_of(opened: Opened, planned: Planned) -> FileNetwork:
    """The network of a checkpoint's files, read by the framework whose format it is. Raises ZooError."""
    reader = replace(planned, framework=framework(planned.checkpoint.framework))

    def read() -> FileNetwork:
        task = opened.preparation.task(reader)
        with Evaluation(task, opened.settings) as evaluation:
            return parsed(*evaluation.steps())

    return opened.preparation.steadily(read)


def _here(opened: Opened) -> Iterator[Kin]:
    """Relatives whose files are on this machine, and whose framework is built; one that was asked for in any case."""
    for kin in opened.kin:
        checkpoint = kin.planned.checkpoint
        built = environments.find(framework(checkpoint.framework)) is not None
        if kin.kinship == "reference" or (built and _has_files(opened, kin)):
            yield kin


def _has_files(opened: Opened, kin: Kin) -> bool:
    checkpoint = kin.planned.checkpoint
    if checkpoint.export_from:
        return True
    try:
        files.locate(checkpoint, opened.zoo.root)
    except ZooError:
        return False
    return True
