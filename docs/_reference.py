"""The reference pages' contents as Markdown, read from the code and the data files: nothing in them is typed by hand.

`python docs/_reference.py NAME` prints one part; conf.py puts them where a page says `<!-- generated: NAME -->`.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby
from types import ModuleType
from typing import Any, get_args

import click
from pydantic.fields import FieldInfo

from zoo import disk, records
from zoo.cli.commands import cli
from zoo.documents import library_differences
from zoo.documents.load import CSV_FILES, TOML_FILES, Zoo, load_zoo
from zoo.ending.exit_codes import EXIT_CODES
from zoo.frameworks.table import Framework, public_frameworks
from zoo.records import Geometry, Numeric, Record, statements
from zoo.rules import deviations, judge
from zoo.rules.base import Rule
from zoo.stats import flips

NO_WRAP = "\b\n"  # click's mark of a paragraph whose lines it keeps
STEPS = (records.GeometryStep, records.NumericStep)


# --- Markdown ----------------------------------------------------------------------------------


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(value: object) -> str:
    """As code: no word of it is Markdown."""
    return f"`{value}`"


def plain(text: str) -> str:
    """Text whose code is marked with backticks already, and in which nothing else is meant as Markdown."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*<\[\]|_])", r"\\\1", part) for part in parts)


def words(name: str) -> str:
    """`SameBytes` as "Same bytes"."""
    return " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)).capitalize()


def anchored(name: str, heading: str) -> str:
    """A heading that links can name by an id of its own."""
    return f"({name})=\n{heading}\n"


# --- rules -------------------------------------------------------------------------------------


def all_rules() -> list[Rule]:
    """Every rule of every tuple in zoo.rules.judge, once, by id."""
    tuples = [value for value in vars(judge).values() if isinstance(value, tuple)]
    found = {each.id: each for entry in tuples for each in entry if isinstance(each, Rule)}
    return [found[name] for name in sorted(found)]


def rules() -> str:
    """One section per module of rules, one entry per rule."""
    parts = []
    for module, group in groupby(all_rules(), key=lambda rule: type(rule).__module__):
        parts.append(f"## {_title(sys.modules[module])}\n")
        parts.extend(_rule(rule) for rule in group)
    parts += [f"## Rules D: {_title(deviations).lower()}\n", _rule(deviations.Outlived())]
    return "\n".join(parts)


def _title(module: ModuleType) -> str:
    """The first sentence of a module's docstring."""
    return inspect.cleandoc(module.__doc__ or "").partition("\n")[0].rstrip(".")


def _rule(rule: Rule) -> str:
    remedy = getattr(rule, "remedy", "")
    lines = [anchored(rule.id, f"### {rule.id}: {words(type(rule).__name__).lower()}"), f"{rule.message()}\n"]
    return "\n".join([*lines, f"What would settle a finding: {remedy}.\n"] if remedy else lines)


def outcomes() -> str:
    """What a verdict can be."""
    return ", ".join(code(name) for name in get_args(records.Outcome)) + "\n"


# --- recipes -----------------------------------------------------------------------------------


@cache
def _zoos() -> dict[str, Zoo]:
    return {name: load_zoo(name) for name in ("published", "embedded")}


@cache
def _merged(attribute: str) -> dict[str, Any]:
    return {key: value for zoo in _zoos().values() for key, value in getattr(zoo, attribute).items()}


def recipes() -> str:
    """Every recipe: its parts, and by how many checkpoints' documents it is used."""
    checkpoints = [each.recipe for zoo in _zoos().values() for each in zoo.checkpoints.values()]
    rows = (
        (code(each.id), _link("geometry", each.geometry), _link("numeric", each.numeric), str(checkpoints.count(name)))
        for name, each in _merged("recipes").items()
    )
    notes = [f"- {code(each.id)}: {each.note}" for each in _merged("recipes").values() if each.note]
    heads = ("recipe", "geometry", "numeric steps", "used by")
    return table(heads, rows) + "\n### Notes on recipes\n\n" + "\n".join(notes) + "\n"


def _link(kind: str, part: Geometry | Numeric) -> str:
    return f"[{code(part.id)}](#{kind}-{part.id})"


def geometries() -> str:
    """Every geometry with its steps."""
    return "\n".join(_part("geometry", each) for each in _merged("geometries").values())


def library_tolerances() -> str:
    """What was measured of image libraries, geometry by geometry, and the tolerance that follows from it."""
    blocks = []
    for family in library_differences.load().family:
        others = [code(name) for name in family.geometries if name != family.geometry]
        also = f" and {', '.join(others)}" if others else ""
        which = f"all images of {code(family.population)}" if family.population else "images like ImageNet's"
        values = " and ".join(
            f"{family.tolerance(metric) * 100:g} points ({name})"
            for metric, name in (("top1", "top-1"), ("top5", "top-5"))
        )
        rows = (
            (
                each.variant,
                each.network,
                f"{each.identical:,}",
                *(_flips(each, family, name) for name in ("top1", "top5")),
            )
            for each in family.difference
        )
        heads = ("library", "network", "same pixels", "top-1: gained, lost; shift", "top-5: gained, lost; shift")
        what = f"{family.images:,} of {which}, {family.date}, {family.processor}"
        versions = ", ".join(f"{name} {version}" for name, version in family.suite.items())
        blocks.append(
            f"### Tolerance of {code(family.geometry)}\n\nIt holds for {code(family.geometry)}{also}: {values}. "
            f"Measured on {what}; the suite's own pixels by {versions}.\n\n{table(heads, rows)}"
        )
    return "\n".join(blocks)


def _flips(difference: library_differences.Difference, family: library_differences.Family, metric: str) -> str:
    """Counts, and the systematic difference with its 95 % interval in points."""
    counted: library_differences.Flips = getattr(difference, metric)
    value, low, high = (100 * each for each in flips.shift(counted.gained, counted.lost, family.images))
    exact = bool(family.population) or not counted.gained + counted.lost
    shown = f"{value:+.2f}" if exact else f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"
    return f"{counted.gained}, {counted.lost}; {shown}"


def numerics() -> str:
    """Every numeric part with its steps."""
    return "\n".join(_part("numeric", each) for each in _merged("numerics").values())


def _part(kind: str, part: Geometry | Numeric) -> str:
    steps = [f"{number}. {_step(step)}" for number, step in enumerate(part.steps, 1)]
    used = ", ".join(code(each.id) for each in _merged("recipes").values() if getattr(each, kind).id == part.id)
    lines = [anchored(f"{kind}-{part.id}", f"### {part.id}"), *steps, ""]
    lines += [f"{part.note}\n"] if part.note else []
    lines += [f"Recipes: {used}\n"] if used else []
    lines += [f"Sources: {', '.join(_source(each) for each in part.sources)}\n"] if part.sources else []
    return "\n".join(lines)


def _step(step: Record) -> str:
    values = step.to_json()
    written = {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
    shown = ", ".join(f"{name} {code(value)}" for name, value in written.items() if name != "op")
    return f"**{values['op']}**: {shown}"


def _source(source: str) -> str:
    """An address, or a row of sources.csv, as a link."""
    known = _merged("sources").get(source)
    if known is None:
        return f"[{_short(source)}]({source})"
    return f"[{known.title}]({known.url})" if known.url else known.title


def _short(address: str) -> str:
    """The address without its scheme and with revisions cut to seven digits."""
    return re.sub(r"\b([0-9a-f]{7})[0-9a-f]{33}\b", r"\1", address.removeprefix("https://"))


def steps() -> str:
    """What the steps of recipes are, from the records' docstrings."""
    kinds = [each for union in STEPS for each in _members(union)]
    return "\n".join(f"### {_op(each)}\n\n{_documented(each)}" for each in kinds)


def _members(union: Any) -> tuple[type[Record], ...]:
    """The records of an annotated union."""
    return get_args(get_args(union)[0])


def _op(step: type[Record]) -> str:
    return str(get_args(step.model_fields["op"].annotation)[0])


# --- frameworks --------------------------------------------------------------------------------


def frameworks() -> str:
    """Every framework of adapters/frameworks.toml, with the packages its environment is pinned to."""
    return "\n".join(_framework(each) for each in public_frameworks())


def _framework(framework: Framework) -> str:
    lists = {
        "Python, the preferred first": framework.pythons,
        "formats read": framework.formats,
        "formats written": framework.exports,
        "variables of its worker": [f"{name}={value}" for name, value in framework.environment.items()],
    }
    rows = [("name", code(framework.name))]
    rows += [(what, ", ".join(map(code, values)) or "none") for what, values in lists.items()]
    pins = [line for line in framework.requirements_file.read_text(encoding="utf-8").splitlines() if "==" in line]
    rows.append(("packages", ", ".join(code(line.split("#")[0].strip()) for line in pins)))
    return f"## {framework.title}\n\n{table(('', ''), rows)}"


# --- records -----------------------------------------------------------------------------------


def data_files() -> str:
    """Which file of a zoo holds which records."""
    rows = [(code(name), ", ".join(code(f"[[{kind}]]") for kind in kinds)) for name, kinds in TOML_FILES.items()]
    rows += [(code(name), f"a row for each {kind}") for name, kind in CSV_FILES.items()]
    return table(("file", "holds"), rows)


def all_records() -> str:
    """The records that stages hand to each other; steps of recipes have a page of their own."""
    elsewhere = {base for union in STEPS for step in _members(union) for base in step.__mro__}
    return _section(each for each in _defined(records) if each not in elsewhere)


def all_statements() -> str:
    """What documents state besides numbers."""
    named = {model: kind for kind, model in statements.KINDS.items()}
    return "\n".join(f"### {code(f'[[{kind}]]')}\n\n{_documented(model)}" for model, kind in named.items())


def _section(models: Iterable[type[Record]]) -> str:
    return "\n".join(anchored(f"record-{each.__name__}", f"### {each.__name__}") + f"\n{_documented(each)}"
                     for each in models)  # fmt: skip


def _defined(module: ModuleType) -> Iterator[type[Record]]:
    """Records of a module or of a package's modules, in the order of its text."""
    for value in vars(module).values():
        is_record = isinstance(value, type) and issubclass(value, Record)
        if is_record and f"{value.__module__}.".startswith(f"{module.__name__}."):
            yield value


def _documented(model: type[Record]) -> str:
    """A record's docstring, then its fields."""
    text = plain(inspect.cleandoc(model.__doc__ or ""))
    rows = [
        (
            code(name),
            code(_type(model, name)),
            _default(field) + (f"; {field.description}" if field.description else ""),
        )
        for name, field in model.model_fields.items()
        if name != "op"
    ]
    return f"{text}\n\n{table(('field', 'type', 'default'), rows)}" if rows else f"{text}\n"


def _type(model: type[Record], name: str) -> str:
    """The annotation as the source has it, without bounds."""
    owner = next(each for each in model.__mro__ if name in inspect.get_annotations(each))
    written = str(inspect.get_annotations(owner)[name])
    return re.sub(r"Annotated\[((?:[^\[\]]|\[[^\]]*\])*?), Field\(.*\)\]", r"\1", written)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value in (None, "", (), {}) else code(value)


# --- command line ------------------------------------------------------------------------------


def commands() -> str:
    """Every command with its options, as `--help` says it."""
    return "\n".join(_command(cli, ["zoo"]))


def _command(command: click.Command, path: list[str]) -> Iterator[str]:
    """A command and those below it. Help texts are plain text: what would be Markdown in them is escaped."""
    context = click.Context(command, info_name=" ".join(path))
    yield f"### {' '.join(path)}\n"
    yield f"{plain(inspect.cleandoc(command.help or '').replace(NO_WRAP, ''))}\n"
    yield f"```text\n{' '.join([*path, *command.collect_usage_pieces(context)])}\n```\n"
    described = filter(None, (each.get_help_record(context) for each in command.params))
    yield "".join(f"- {code(names)}: {plain(meaning)}\n" for names, meaning in described if meaning)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _command(below, [*path, name])


def exit_codes() -> str:
    """What the program ends with."""
    return table(("code", "meaning"), ((str(code), meaning) for code, meaning in EXIT_CODES.items()))


def variables() -> str:
    """Variables of the process that the program reads."""
    return "\n".join(f"- {inspect.cleandoc(each.__doc__ or '')}" for each in (disk.home, disk.mirror)) + "\n"


PARTS: dict[str, Callable[[], str]] = {
    "rules": rules,
    "outcomes": outcomes,
    "recipes": recipes,
    "geometries": geometries,
    "numerics": numerics,
    "library-tolerances": library_tolerances,
    "steps": steps,
    "frameworks": frameworks,
    "data-files": data_files,
    "records": all_records,
    "statements": all_statements,
    "commands": commands,
    "exit-codes": exit_codes,
    "variables": variables,
}
MARK = re.compile(r"<!-- generated: ([a-z-]+) -->")


def filled(page: str) -> str:
    """A page with every mark replaced by the part it names."""
    return MARK.sub(lambda mark: PARTS[mark[1]](), page)


if __name__ == "__main__":
    print(PARTS[sys.argv[1]]())
