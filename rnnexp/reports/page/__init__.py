"""The report of one run, several, or a sweep: one HTML file that needs nothing else.

A `Story` holds what was run; each module of `sections` tells one part of it in `blocks`, `charts`
are drawn as SVG, and `rendering` puts all into `page.html`.
"""
