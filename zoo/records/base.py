"""The base of every record: a frozen value with strict fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Url = Annotated[str, Field(pattern=r"^(https://|http://127\.0\.0\.1[:/])\S+$")]  # plain only on the loopback
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*(/[A-Za-z0-9][A-Za-z0-9._+-]*)*$")]
FILE_NAME = r"^[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*$"
FileName = Annotated[str, Field(pattern=FILE_NAME)]  # it leads into no folder
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
# A number as printed, with its last zeros; of as many digits as Python's decimals compute with exactly.
Digits = Annotated[str, Field(pattern=r"^[0-9]{1,10}(\.[0-9]{1,17})?$")]
# Beyond these a record is a slip of the pen, and its arithmetic would take all memory.
Side = Annotated[int, Field(gt=0, le=65_536)]  # pixels
Width = Annotated[float, Field(gt=0, le=100)]  # a network's width multiplier
Outputs = Annotated[int, Field(gt=0, le=10_000_000)]
Images = Annotated[int, Field(gt=0, le=100_000_000)]


class Record(BaseModel):
    """A frozen value with strict fields."""

    # Validators are built at first use (defer_build): `zoo --help` needs few of the records.
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False, defer_build=True)

    def changed(self, /, **fields: Any) -> Self:
        """The same record with other values in these fields.

        It is checked like a new one: raises pydantic.ValidationError for a field that the record does not have, and for
        values that it cannot have together. (pydantic's own `model_copy` checks nothing.)
        """
        own = {name: getattr(self, name) for name in type(self).model_fields}
        return self.model_validate(own | fields)

    def to_json(self) -> dict[str, Any]:
        """Plain dict of JSON types."""
        return self.model_dump(mode="json", by_alias=True)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`; raises pydantic.ValidationError."""
        return cls.model_validate(dict(data))
