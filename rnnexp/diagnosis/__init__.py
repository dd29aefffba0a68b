"""Where the gradient goes: through time, through the gates, through clipping and truncation."""
