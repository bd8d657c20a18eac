"""The errors of AWS, translated into those that a reconcile acts on."""
