"""Mixpanel's raw files: bytes to lines, lines to records."""
