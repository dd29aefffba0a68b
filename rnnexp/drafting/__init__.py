"""Looking at a data file that nobody described, and drafting a config that trains on it."""
