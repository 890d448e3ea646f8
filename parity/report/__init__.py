"""Results for people and for files."""
