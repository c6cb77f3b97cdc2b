"""The simulated world: a Cal.com server, a Slack receiver and a booking application with planted faults.

An own process, met only through sockets. It imports nothing of what judges: its ledger is an oracle apart
from the rules.
"""
