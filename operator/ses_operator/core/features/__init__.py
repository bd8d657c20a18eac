"""One module for each setting or feature of an identity, and the registry of all settings. Pure."""
