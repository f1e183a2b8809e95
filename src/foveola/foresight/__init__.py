"""Cheap oracles that say where to look before a whole encode is made."""
