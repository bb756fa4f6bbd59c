"""fastada beside its peers: the same rows for everybody, one alternating run, one command.

`make peers` or `python -m benchmarks.peers --help`. Each peer has an environment of its own and a
file in adapters/; systems.py says which settings of them take part.

A file in adapters/ has a class Peer. The folder is not a package, since asv imports the modules of
packages, and a peer is importable in its own environment alone.

Peer(rows, folder)
    Takes the training rows in the form that the peer wants; files may be kept in the folder. This
    is not timed.
fit(threads, **setting)
    Trains a new model. This is timed, unless it returns seconds itself: a peer that reads files
    leaves out what is not training, where that can be told apart.
predict_proba(rows)
    Probabilities of the classes for the test rows, shape (n_rows, n_classes).
"""
