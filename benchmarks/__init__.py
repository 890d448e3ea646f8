"""What is measured and committed; not shipped. Each module is a command that makes its results again."""
