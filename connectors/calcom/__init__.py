"""Reading Cal.com: one booking, list pages, the incremental poll, within each key's quota."""
