"""Libraries of fluids and heat transfer, which the truths of engineering problems are taken from."""

from importlib import import_module
from types import ModuleType

from parity.contract import InputError


def library(module: str) -> ModuleType:
    """A module of a library of the extra `engineering`, imported when a truth needs it; InputError where it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(missing(module.partition(".")[0], str(error))) from None


def missing(package: str, reason: str) -> str:
    """What to do about a library that can't be used."""
    return (
        f"The truth needs the package {package!r}, which can't be imported: {reason}. "
        "Install it with: pip install 'parity[engineering]'"
    )
