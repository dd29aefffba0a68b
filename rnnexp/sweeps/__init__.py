"""Many trainings of one base config: which, in which order, on how many cores."""
