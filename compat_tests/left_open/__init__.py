"""Clients that stay open while the test broker is reset, restored or loses its power."""
