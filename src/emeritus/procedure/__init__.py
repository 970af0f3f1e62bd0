"""Procedure: a whole retirement, step by step, resuming where the record says it stopped."""
