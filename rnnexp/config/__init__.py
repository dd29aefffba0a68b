"""From a YAML file to a typed, checked, frozen experiment. Nothing in here imports torch."""
