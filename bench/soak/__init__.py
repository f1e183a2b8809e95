"""Minutes of mixed requests to a real server while its processes, disks, sources and clock fail; then a judgement.

    python -m bench.soak --minutes 15 [--seed 1]

Each picture carries a mark that the answer is checked for (`marks`). What is asked is in `asking`, how clients behave
in `clients`, how sources do in `origin`, what goes wrong meanwhile in `faults`, and what has to hold in `judging`.
"""
