"""What a run shows: pure functions of a Report."""
