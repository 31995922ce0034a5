"""AWS's price list, as far as the user has fetched it."""
