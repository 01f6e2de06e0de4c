"""The finite entries of a tensor: order statistics, counts and sums, each by the cheapest exact way."""
