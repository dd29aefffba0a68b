"""The speed of training steps, ours beside torch, JAX and Keras, on the machine at hand.

Each contender runs in a process of its own, so that thread pools and allocator settings never mix.
The parent asks them in turn, round after round, for a short burst of steps; what is reported is
the median over rounds of the ratio within a round.
"""
