"""The parts that the controllers share."""
