"""The controller of SesIdentities."""
