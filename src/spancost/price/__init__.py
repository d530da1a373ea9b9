"""What a call cost: a dated price book, the search for a price in it, exact arithmetic, and the explanation.

Read `engine.py` for a whole batch and `explain.py` for one call; `docs/pricing.md` tells the rules in prose.
"""
