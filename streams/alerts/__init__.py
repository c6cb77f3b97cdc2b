"""The alert and its life: what people see of a finding. Pure; used by the store and the API."""
