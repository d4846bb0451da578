"""All kinds of wrong rewrite, by name, each with its group."""

from __future__ import annotations

from mutants import arguments, effects, sites, surroundings
from mutants.registry import KINDS

__all__ = ["KINDS", "arguments", "effects", "sites", "surroundings"]
