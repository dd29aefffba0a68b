"""The parts of a report, one a module; each is a `Section`, or None where it has nothing to say."""
