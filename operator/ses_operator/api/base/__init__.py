"""The parts that all kinds share: the base model, field types, metadata, conditions and reasons."""
