"""From decisions to edits: calls, attributes, imports, statements."""
