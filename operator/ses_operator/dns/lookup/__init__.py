"""Looks records up at the name servers of their zones, within bounds."""
