"""The command line ``ses-operator``: each subcommand is a module."""
