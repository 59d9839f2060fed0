"""Atelier in Discord."""
