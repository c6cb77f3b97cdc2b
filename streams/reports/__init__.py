"""What is made of alerts over time: statistics of a period and the daily report. Pure: figures in, figures out."""
