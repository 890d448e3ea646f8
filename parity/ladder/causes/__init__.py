"""Causes."""


def causes_of(*args):
    return ()
