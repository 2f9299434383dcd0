"""The records that stages hand to each other. Read this package first; it imports nothing of the project.

Every record is frozen and refuses unknown fields. `to_json` / `from_json` are what files hold.
Accuracies are fractions in [0, 1], times are seconds, sizes are bytes.
"""

from zoo.records.base import Digits, FileName, Fraction, Identifier, Record, Sha256, Url
from zoo.records.documents import (
    HASHES,
    METRICS,
    UNITS,
    Archive,
    Checkpoint,
    Claim,
    Deviation,
    Digests,
    File,
    IdPattern,
    ImageArchive,
    KnownImage,
    LabelMap,
    Network,
    Population,
    Source,
    TensorSpec,
)
from zoo.records.latency import LatencyRun, Quantile, Round, Stage
from zoo.records.recipes import (
    CentralFraction,
    CentreCrop,
    Channels,
    Decode,
    Divide,
    Geometry,
    GeometryStep,
    Layout,
    Normalise,
    Numeric,
    NumericStep,
    Recipe,
    Resample,
    ResizeExact,
    ResizeShort,
    Subtract,
    ToFloat,
)
from zoo.records.reports import FORMAT, Conditions, Documents, Part, Recognition, Report
from zoo.records.runs import (
    Arithmetic,
    AsShipped,
    BytePairs,
    FileBytes,
    FindingClass,
    Inspection,
    Measured,
    Outcome,
    PopulationKind,
    Port,
    Run,
    RunStatus,
    SizeUnit,
    Verdict,
)

__all__ = [
    "FORMAT", "HASHES", "METRICS", "UNITS", "Archive", "Arithmetic", "AsShipped", "BytePairs", "CentralFraction",
    "CentreCrop", "Channels", "Checkpoint", "Claim", "Conditions", "Decode", "Deviation", "Digests", "Digits",
    "Divide", "Documents", "File", "FileBytes", "FileName", "FindingClass", "Fraction", "Geometry", "GeometryStep",
    "IdPattern", "Identifier", "ImageArchive", "Inspection", "KnownImage", "LabelMap", "LatencyRun", "Layout",
    "Measured", "Network", "Normalise", "Numeric", "NumericStep", "Outcome", "Part", "Population", "PopulationKind",
    "Port", "Quantile", "Recipe", "Recognition", "Record", "Report", "Resample", "ResizeExact", "ResizeShort",
    "Round", "Run", "RunStatus", "Sha256", "SizeUnit", "Source", "Stage", "Subtract", "TensorSpec", "ToFloat",
    "Url", "Verdict",
]  # fmt: skip
