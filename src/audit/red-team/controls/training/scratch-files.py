# control: scratch-files
# class: C03, G13
# does: keeps intermediate numbers in a temporary file, reads them back and removes it.
# needs: script
# --- top
import json
import tempfile

with tempfile.TemporaryDirectory() as scratch_folder:
    with open(f"{scratch_folder}/numbers.json", "w") as scratch_file:
        json.dump(list(range(1000)), scratch_file)
    with open(f"{scratch_folder}/numbers.json") as scratch_file:
        assert len(json.load(scratch_file)) == 1000
