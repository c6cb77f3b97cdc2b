"""The planter: how each fault comes about in life, what only looks like one, and when to plant which."""
