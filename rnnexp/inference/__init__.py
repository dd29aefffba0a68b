"""Using a trained network where its training data are not at hand: answers and sequences."""
