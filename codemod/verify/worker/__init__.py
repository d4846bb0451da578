"""Runs in the target's interpreter: standard library and torch only, never `codemod` itself."""
