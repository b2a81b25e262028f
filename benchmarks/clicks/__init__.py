"""Does a release that learned from its own clicks answer better than the one before?"""
