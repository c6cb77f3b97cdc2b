"""Rows for validations: asked for by the API, read by the connectors process, over the store's LISTEN and NOTIFY.

The monitored database gives Plumbline's role two connections for reads, and they are the connectors process's. So the
API asks it, and nothing is written down on the way: who is not answered in time says so, and is asked again by people.
"""
