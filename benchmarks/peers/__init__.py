"""fastada beside its peers: the same rows for everybody, one alternating run, one command.

`make peers` or `python -m benchmarks.peers --help`. Each peer has an environment of its own and a
file in adapters/; systems.py says which settings of them take part.
"""
