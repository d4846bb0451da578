"""Text with bytes and encoding kept, project discovery, overlay; the one writer to disk."""
