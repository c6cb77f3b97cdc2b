"""How to reach the broker: the `[kafka]` section as aiokafka's connection arguments. Used by every process."""

from typing import Any

from aiokafka.helpers import create_ssl_context

from streams.settings_sections import KafkaSettings


def connection_arguments(kafka: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments that aiokafka's producers, consumers and admin client share.

    Raises ValueError if no broker is configured.
    """
    if not kafka.bootstrap_servers:
        raise ValueError("kafka.bootstrap_servers is missing: allowed is host:port, several with commas between")
    arguments: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap_servers,
        "security_protocol": kafka.security_protocol,
    }
    if kafka.security_protocol.startswith("SASL"):
        arguments["sasl_mechanism"] = kafka.sasl_mechanism
        arguments["sasl_plain_username"] = kafka.sasl_username
        password = kafka.sasl_password
        arguments["sasl_plain_password"] = password.get_secret_value() if password else None
    if kafka.security_protocol.endswith("SSL"):
        arguments["ssl_context"] = create_ssl_context(
            cafile=kafka.ssl_cafile, certfile=kafka.ssl_certfile, keyfile=kafka.ssl_keyfile
        )
    return arguments
