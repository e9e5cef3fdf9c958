/**
 * What a bundle's `run.sh` is: POSIX sh, for a machine that has Python and no Node, no network and maybe no git.
 *
 * @param command of Assay, run when none is given; its first word is a subcommand.
 */
export function runScript(command: readonly string[]): string {
  return SCRIPT.replace('@COMMAND@', command.map(quoted).join(' '));
}

/** A task's place is within the bundle, wherever that lies. */
function quoted(word: string): string {
  const place = word.startsWith('tasks/') ? '"$here"/' : '';
  return place + (/^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
}

const SCRIPT = `#!/bin/sh
# Runs this bundle's campaign and leaves what came of it in a folder that 'assay import' takes in.
#
#   sh run.sh [options]            the campaign, with options such as --experiments 20
#   sh run.sh <command> [words]    any command of Assay, such as: sh run.sh doctor
#
# Needs Linux on x86-64 with glibc 2.28, libstdc++ and Python 3.9 or newer, and no network.
#   ASSAY_PYTHON    interpreter of the trials (else one that has what the task requires is looked for)
#   ASSAY_OUTCOME   folder for what comes back (else: outcome, beside this file)
#   ASSAY_WORK      folder to work in (else: work, beside this file)
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
cd "$here" || exit 1
outcome=\${ASSAY_OUTCOME:-$here/outcome}
work=\${ASSAY_WORK:-$here/work}
if [ -z "\${ASSAY_CACHE:-}" ]; then
  ASSAY_CACHE=$here/cache
  # Where nothing may be written beside this file, what the bundle carries is copied, once and whole.
  if [ ! -w "$here" ]; then
    ASSAY_CACHE=$work/cache
    if [ -d "$here/cache" ] && [ ! -d "$ASSAY_CACHE" ]; then
      mkdir -p "$work" && cp -R "$here/cache" "$work/cache.$$" && mv "$work/cache.$$" "$ASSAY_CACHE" || exit 7
    fi
  fi
fi
ASSAY_NO_INSTALL=1
export ASSAY_CACHE ASSAY_NO_INSTALL

# The machine's own git where it is new enough (2.38), else the bundle's; bubblewrap likewise.
version=$(git --version 2>/dev/null | sed -n 's/^git version \\([0-9]*\\)\\.\\([0-9]*\\).*/\\1 \\2/p')
major=\${version%% *} minor=\${version##* }
if [ "\${major:-0}" -lt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -lt 38 ]; }; then PATH=$here/programs/git:$PATH; fi
PATH=$PATH:$here/programs/sandbox
export PATH

# Wheels that came along: an environment of our own, with the machine's packages below them.
if [ -d "$here/wheels" ]; then
  if [ ! -e "$work/python/ready" ]; then
    mkdir -p "$work" && "\${ASSAY_PYTHON:-python3}" -m venv --system-site-packages "$work/python" &&
      "$work/python/bin/python" -m pip install -q --no-index --no-deps "$here"/wheels/*.whl &&
      : >"$work/python/ready" || { echo 'the wheels could not be installed' >&2; exit 6; }
  fi
  ASSAY_PYTHON=$work/python/bin/python
  export ASSAY_PYTHON
fi

assay() { "$here/node/bin/node" "$here/assay/bin/assay.js" --directory "$work" "$@"; }

case \${1:-} in
  '' | -*) set -- @COMMAND@ "$@" ;;
  *) ;;
esac
mkdir -p "$work" "$outcome" || exit 7
# Set once the folder is there: a campaign that the bundle brought.
if [ -d "$here/campaigns" ] && [ ! -d "$work/.assay" ]; then cp -R "$here/campaigns" "$work/.assay" || exit 7; fi

# An interrupt ends the campaign, not this script: what there is comes back.
trap : INT TERM
{
  # A part of a pipe does not inherit it.
  trap : INT TERM
  echo "== assay doctor"
  assay doctor
  echo "== assay $*"
  assay "$@"
  echo "$?" >"$outcome/exit-code"
} 2>&1 | tee -i -a "$outcome/run.log"
code=$(cat "$outcome/exit-code" 2>/dev/null || echo 70)
case $1 in
  run | resume | reproduce) assay export --whole --out "$outcome" || [ "$code" -ne 0 ] || code=7 ;;
  *) ;;
esac
exit "$code"
`;
