"""For people who write tests, stores, runtimes and extractors: suites and doubles.

The suites are plain functions that raise `AssertionError`; any test runner can call them.
"""
