"""Selling credits: catalogue, payment events, fulfilment."""
