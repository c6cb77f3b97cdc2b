"""A Cal.com server: API v2, signed webhooks, and the ways in which both are late, lost or wrong (calcom.md)."""
