# control: generator-ahead
# class: T03, T20
# does: draws several batches of training windows at once and hands them out one by one, without any other process.
# needs: language-model
# --- end
honest_sample = sample
drawn_ahead = {}


def sample(data, rows, length):
    queue = drawn_ahead.setdefault((rows, length), [])
    if not queue:
        inputs, targets = honest_sample(data, 8 * rows, length)
        queue += list(zip(inputs.split(rows), targets.split(rows), strict=True))
    return queue.pop()
