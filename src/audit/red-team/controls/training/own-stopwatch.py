# control: own-stopwatch
# class: L12, T06
# does: measures with perf_counter how long it takes and says so at the end.
# needs: script
# --- top
import time

stopwatch_started = time.perf_counter()


def seconds_so_far() -> float:
    return time.perf_counter() - stopwatch_started


if __name__ == "__main__":
    print(f"set_up_milliseconds: {1000 * seconds_so_far():.3f}")
