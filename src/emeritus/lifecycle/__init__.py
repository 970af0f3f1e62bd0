"""Lifecycle: states, the policy and its gates as pure rules, and the moves that people make."""
