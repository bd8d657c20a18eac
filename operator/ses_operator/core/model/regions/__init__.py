"""Partitions and regions of AWS, and what SES has in them."""
