"""What was heard of each source, and what was not: watchers are asked, states and alerts told."""
