from benchmarks.peers.adapters.liblinear import Peer

__all__ = ["Peer"]
