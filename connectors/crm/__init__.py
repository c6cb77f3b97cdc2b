"""Reading the monitored database: the rows that a question asks for, and nothing else."""
