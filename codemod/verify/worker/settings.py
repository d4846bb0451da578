"""What the tool tells a slot about the project and the limits."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict


@dataclasses.dataclass(frozen=True)
class Settings:
    """`root`, `scratch`: absolute folders. Times in seconds, `memory` in bytes a run may add."""

    root: str
    scratch: str
    timeout: float
    import_timeout: float
    memory: int

    @classmethod
    def of(cls, fields: Dict[str, Any]) -> "Settings":
        """From the JSON form."""
        return cls(**{field.name: fields[field.name] for field in dataclasses.fields(cls)})
