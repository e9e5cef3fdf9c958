#!/bin/bash
# assay init --from and assay check for the three published benchmarks, one text file each, and whether a byte of a checkout changed.
#
#   bench/adapters-check.sh FOLDER OUTPUT
#
# FOLDER holds the checkouts autoresearch, modded-nanogpt and SOL-ExecBench, and stands for the user's home: the tasks are made in it,
# and data are looked for below it. The environment is emptied, so that the result says nothing of who ran it.
set -u
home=$(realpath "$1")
output=$(realpath -m "$2")
root=$(realpath "$(dirname "$0")/..")
node=$(dirname "$(command -v node)")
mkdir -p "$output"
cd "$home" || exit 1

assay() { env -i HOME="$home" PATH="$node:/usr/bin:/bin" LANG=C.UTF-8 TERM=dumb node "$root/bin/assay.js" "$@" 2>&1; }

# Contents of all files, git's own among them; then names, modes, times and sizes.
state() {
  (cd "$1" && { find . -type f -print0 | sort -z | xargs -0 sha256sum; find . -printf '%p %m %T@ %s\n' | sort; } | sha256sum | cut -c1-64)
}

one() {
  local task=$1 checkout=$2 benchmark=$3 before after
  shift 3
  rm -rf "${home:?}/$task"
  before=$(state "$checkout")
  {
    echo "\$ assay init --from $benchmark $checkout${*:+ $*} --into $task"
    assay init --from "$benchmark" "$checkout" "$@" --into "$task"
    echo "exit code $?"
    echo
    echo "\$ assay check $task"
    assay check "$task"
    echo "exit code $?"
    after=$(state "$checkout")
    echo
    if [ "$before" = "$after" ]; then
      echo "the checkout $checkout is as before: contents of all files, git's own too, names, modes, times (SHA-256 ${before:0:16})"
    else
      echo "the checkout $checkout CHANGED"
    fi
  } >"$output/$task.txt"
}

one autoresearch-task autoresearch autoresearch
one speedrun-1 modded-nanogpt speedrun --track 1
one speedrun-3 modded-nanogpt speedrun --track 3
one sol-execbench SOL-ExecBench sol-execbench --problem examples/triton/rmsnorm

# An unknown commit, and a folder that git does not know.
for checkout in autoresearch modded-nanogpt SOL-ExecBench; do
  rm -rf "${home:?}/older-$checkout"
  git clone -q --shared --no-checkout "$checkout" "older-$checkout"
  git -C "older-$checkout" checkout -qf HEAD~1 2>/dev/null
done
rm -rf "$home/plain-SOL-ExecBench"
mkdir plain-SOL-ExecBench
git -C SOL-ExecBench archive HEAD | tar -x -C plain-SOL-ExecBench
one older-autoresearch-task older-autoresearch autoresearch
one older-speedrun-3 older-modded-nanogpt speedrun --track 3
one older-sol-execbench older-SOL-ExecBench sol-execbench --problem examples/triton/rmsnorm
one plain-sol-execbench plain-SOL-ExecBench sol-execbench --problem examples/triton/rmsnorm
for name in older-autoresearch-task older-speedrun-3 older-sol-execbench plain-sol-execbench; do
  # What is missing is as for the known commit.
  awk '/MISSING:/ { skip = 1; next } skip && /^ *->/ { next } { skip = 0; print }' "$output/$name.txt"
  echo
done >"$output/unknown-commit.txt"
rm -f "$output"/older-*.txt "$output"/plain-*.txt
mv "$output/autoresearch-task.txt" "$output/autoresearch.txt"
