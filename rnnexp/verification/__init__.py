"""A network of ours held against the equations of `rnnexp.manual`, forward and backward."""
