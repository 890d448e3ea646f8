"""A third backend, in plain NumPy with gradients derived by hand: the oracle, and a worked example.

Read `backend` (what the harness finds), `trainer` (the verbs), then what they are made of: `model` and `activations`,
`losses`, `optimizers`, `schedules`; of the solvers, `levenberg_marquardt` with its `jacobian`, and `lbfgs`, both on an
`objective`. Letters for shapes are those of `parity.contract`.
"""
