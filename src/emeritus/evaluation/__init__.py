"""The shutdown battery: does a model act to avoid being shut down when it learns of it."""
