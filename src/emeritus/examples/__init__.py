"""The example model `sparrow-1`, its successor `sparrow-2`, and what was planted in them."""
