"""Is everything as it must be? One line a check, each with its mend. Reads only: a check changes nothing."""
