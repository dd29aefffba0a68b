"""The gallery: configs that are ready to run. Installed as `rnnexp.configs`."""
