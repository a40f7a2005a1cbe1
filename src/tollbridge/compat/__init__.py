"""Faces for programs that were written for something else. No other room knows of them."""
