"""What the gradient does on its way back through time, measured on one network.

`diagnose` puts it together; each other module measures one thing, in float64 numpy on the network
as `verification.transcribe` writes it down: `curve` ||ds_t/ds_k|| by lag, `recurrent` the matrices,
`gates` openness and saturation, `clipping`, `truncation`, `order`; `verdict` draws the conclusion.
"""
