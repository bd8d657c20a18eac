"""Figures of the structure: how far a setting, a sentence or a reconcile is spread over the code. Counts, no judgement.

Pure functions over a `Tree` (path → text), so that a base commit and the working tree are measured by the same rule. The trees
may differ in their folders: a figure says "-" where there is nothing to count.
"""
