"""A Slack server: messages that can be edited, threads, buttons that can be pressed, Socket Mode, and its failures."""

from connectors.world.slack.messages import SlackMessage
from connectors.world.slack.server import Slack, SlackKnobs

__all__ = ["Slack", "SlackKnobs", "SlackMessage"]
