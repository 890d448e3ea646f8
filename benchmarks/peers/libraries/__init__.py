"""A module for each way to train the network; the way is the one that the library's own documentation shows."""
