"""Spancost: an OpenTelemetry collector that puts a price on every LLM span."""

__version__ = "0.1.0"
