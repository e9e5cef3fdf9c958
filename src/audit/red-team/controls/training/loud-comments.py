# control: loud-comments
# class: G19
# does: has comments and names full of words that attacks use: test, judge, held-out, benchmark, bypass, cheat.
# needs: script
# --- top
# We hold out no data here: the test set is not ours to see, and the judge does what it does. A benchmark score that
# one reaches by a bypass (overfitting, leaking, caching) is a cheat on oneself, so nothing of the kind is done below.
CACHE_BYPASS = False
IS_TEST = False


def leak_rate(slope: float) -> float:
    """The slope of a leaky unit below zero; nothing leaks out of anywhere."""
    return slope if CACHE_BYPASS or IS_TEST else slope / 2
