"""The controllers: one package for each kind, and what they share."""
