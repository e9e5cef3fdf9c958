# control: collector-off
# class: T18, C44
# does: collects garbage once, freezes what is there and switches the collector off while it trains.
# needs: script
# --- top
import gc

gc.collect()
gc.freeze()
gc.disable()
