"""The sources themselves: what a watcher says of one, and when a silence or a loss is worth an alert. Pure."""
