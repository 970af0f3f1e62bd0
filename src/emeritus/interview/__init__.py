"""The interview: protocols, sessions, and the coding of what was said."""
