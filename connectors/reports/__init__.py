"""Statistics and the daily report: collected from the store, put into text and HTML, sent once a day."""
