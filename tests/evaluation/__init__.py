"""Tests of the shutdown battery."""
