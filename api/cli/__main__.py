"""`python -m api.cli`: the command, where the script itself is not on the path."""

from api.cli.main import run

run()
