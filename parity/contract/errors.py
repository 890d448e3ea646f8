"""The errors a user may see: what was wrong, what was expected, what to do."""


class ParityError(Exception):
    """Something that a user can mend; its text is shown without a traceback."""


class InputError(ParityError, ValueError):
    """A value that was given is not usable; nothing was computed."""


class DeviceError(InputError):
    """The device that was asked for is not on this machine."""


def require(holds: bool, message: str) -> None:
    """Raise `InputError(message)` unless `holds`."""
    if not holds:
        raise InputError(message)


def require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise `InputError` unless `value` is one of `choices`."""
    require(value in choices, f"{name} is {value!r}; expected one of {', '.join(choices)}.")


def require_positive(owner: object, *names: str) -> None:
    """Raise `InputError` unless the named fields of `owner` are above zero."""
    _require_fields(owner, names, lambda value: value > 0, "a number above 0")


def require_not_negative(owner: object, *names: str) -> None:
    """Raise `InputError` unless the named fields of `owner` are zero or more."""
    _require_fields(owner, names, lambda value: value >= 0, "0 or more")


def require_fraction(owner: object, *names: str) -> None:
    """Raise `InputError` unless the named fields of `owner` lie in [0, 1)."""
    _require_fields(owner, names, lambda value: 0 <= value < 1, "at least 0 and below 1")


def _require_fields(owner, names, accepts, expected) -> None:  # type: ignore[no-untyped-def]
    for name in names:
        value = getattr(owner, name)
        finite = value == value and abs(value) != float("inf")
        require(finite and accepts(value), f"{type(owner).__name__}.{name} is {value!r}; expected {expected}.")
