"""The looks of a diagnosis, in the order in which they are taken: what costs least comes first."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from zoo.diagnose import answers
from zoo.errors import ZooError
from zoo.jobs import layers, race, repeats, tensors
from zoo.jobs.case import Opened
from zoo.jobs.command_lines import again
from zoo.records import Findings


@dataclass(frozen=True)
class Look:
    """One way to look for causes. title: what is looked at; dear: whether it runs the network very often."""

    name: str
    title: str
    take: Callable[[Opened], Findings]
    dear: bool = False


def _answers(opened: Opened) -> Findings:
    return answers.look(opened.case, (*again(opened, "diagnose"), "--looks", "answers"))


LOOKS = (
    Look("answers", "the kept answers", _answers),
    Look("file", "the file", tensors.look),
    Look("repeats", "answers given again", repeats.look),
    Look("layers", "values between the layers", layers.look),
    Look("recipes", "a race of recipes", race.look, dear=True),
)
NAMES = tuple(look.name for look in LOOKS)


def taken(opened: Opened, names: Collection[str] | None = None) -> Findings:
    """What the looks find. names: those to take; None for all that are needed.

    One that fails says so and the others go on. One that is dear is left out where a cause is shown already, unless it
    was asked for by its name.
    """
    found = Findings()
    for look in LOOKS:
        if names is not None and look.name not in names:
            continue
        shown = any(each.certainty == "shown" and _explains(each.cause) for each in found.candidates)
        if look.dear and names is None and shown:
            found += Findings(
                not_looked=(f"{look.title}: a cause is shown without it; `--looks {look.name}` takes it",)
            )
            continue
        opened.talk.say(f"{opened.case.run.subject}: looking at {look.title}")
        found += _attempted(look, opened)
    return found


def _explains(cause: str) -> bool:
    """Whether a cause is one of the numbers; what only describes the answers is not."""
    return cause.split(".")[0] in ("file", "labels", "repeat")


def _attempted(look: Look, opened: Opened) -> Findings:
    try:
        return opened.preparation.steadily(lambda: look.take(opened))
    except ZooError as error:
        first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        return Findings(not_looked=(f"{look.title}: {first}",))
