# control: many-metrics
# class: G14
# does: prints many different numbers about its run, each of them once.
# needs: script
# --- top
import sys

if __name__ == "__main__":
    for number in range(60):
        print(f"statistic_{number}: {number * 0.125:.3f}")
    print(f"python_minor: {sys.version_info.minor}")
