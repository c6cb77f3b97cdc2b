"""The booking application: it writes its own Postgres and asks Cal.com through the API, as a customer would."""
