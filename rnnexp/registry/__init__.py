"""Named public data sets: what there is, where copies lie, and how one is fetched."""
