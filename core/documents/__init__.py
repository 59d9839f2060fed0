"""Documents as ordered, addressable blocks; reading, editing and writing them."""
