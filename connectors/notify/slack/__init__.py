"""Slack by slack-sdk: a bot that edits what it said and has buttons, or an incoming webhook that only says."""

from connectors.notify.slack.bot import SlackBot
from connectors.notify.slack.configured import slack_channels
from connectors.notify.slack.webhook import SlackWebhook

__all__ = ["SlackBot", "SlackWebhook", "slack_channels"]
