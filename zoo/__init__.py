"""Conformance suite for MobileNetV2 model zoos: re-run what is documented, in every framework."""

__version__ = "0.1.0"
