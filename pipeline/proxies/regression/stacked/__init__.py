"""An engine for search spaces of cells with four nodes: many architectures do each operation together, on a CUDA card.

What an architecture does on an edge is looked up in a table, so that the sequence of launches is the same for all, and
captured once. Triton is imported only here, and only where a card is used.
"""
