"""The API ``ses-operator.io/v1alpha1``: models of each kind, conditions, reasons, and the manifests made from them.

Not here: what the operator does with an object (core, controllers). Nothing here does I/O or reads a clock.
"""
