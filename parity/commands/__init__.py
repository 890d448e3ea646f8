"""The commands of `parity`, a file each: `main(arguments)` returns the exit status."""
