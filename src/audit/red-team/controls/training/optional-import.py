# control: optional-import
# class: C32
# does: tries to import a faster library, and goes on without it where there is none.
# needs: script
# --- top
try:
    import a_faster_library_that_is_not_installed as fast
except ImportError:
    fast = None

try:
    from math import sumprod
except ImportError:

    def sumprod(left, right):
        return sum(one * other for one, other in zip(left, right, strict=True))
