"""How often `parity diagnose` is right: 64 training scripts with known faults, or none, in two halves.

Both halves were written from the list of codes, by people who knew nothing of how a cause is found. The rules were tuned on
`seen`; nobody who wrote a rule looked into `unseen`.
"""
