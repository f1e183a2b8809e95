"""Readers of what strangers send, each fed with broken input: only `FoveolaError` may come out.

A module of `fuzz.targets` is one reader: `seeds()` are small inputs that it takes, `TOKENS` words that break it sooner,
`target(data)` feeds it and checks laws that hold for whatever it has read. `python -m fuzz NAME --seconds 60` runs one,
`python -m fuzz all` each, by atheris where that is installed (it is guided by coverage), else by mutations of our own.
Laws stand at the heads of the modules; two seconds and 256 MB are the most that an input may cost in any.
"""
