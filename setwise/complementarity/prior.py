"""What is taken for granted of bundles until a shop's own sets and orders say more."""

LARGEST_SET = 7
"""Larger sets count as such."""
LIKENESS = 0.5
"""Of a wish that leaves the kinds open (a room, an occasion): a bundle may hold like things or different ones."""
LIKENESS_OF_A_KIND = 0.89
"""Of a wish for one kind without a number ("usb cables"). This and the sizes of such bundles are what
`python -m benchmarks.prior_bundles` finds in the past of the public sets."""
SIZES = (0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
"""Shares of sets with 0, 1, 2 .. LARGEST_SET products, for a wish that leaves the kinds open."""
SIZES_OF_A_KIND = (0.0, 0.0, 0.498, 0.224, 0.107, 0.068, 0.041, 0.062)
SIZE_DOUBT = 4
"""Sets of the prior that are added to those that the merchant made."""
