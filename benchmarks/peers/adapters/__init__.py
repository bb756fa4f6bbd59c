"""One file a peer, each with a class Peer.

Peer(rows, folder)
    Takes the training rows in the form that the peer wants; files may be kept in the folder. This
    is not timed.
fit(threads, **setting)
    Trains a new model. This is timed, unless it returns seconds itself: a peer that reads files
    leaves out what is not training, where that can be told apart.
predict_proba(rows)
    Probabilities of the classes for the test rows, shape (n_rows, n_classes).
"""
