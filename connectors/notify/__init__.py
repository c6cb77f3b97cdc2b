"""Notices to people: what is worth telling, in which words, through which channel."""
