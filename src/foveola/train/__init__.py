"""Networks made: labels, fit, evaluation and what they are written as."""
