"""The equations of the lecture, computed literally: slow, obvious, without autograd or torch.

Read in this order: `cells` (one time step), `unroll` (all of them, and the double sum of
backpropagation through time), `jacobians` (the product of ds_i/ds_{i-1}), `network` (layers on
layers), `losses`. Everything is numpy in the precision of the weights that it is given.
"""
