// What runs inside the pods of builds. Nothing is put into these texts: values come as arguments, variables or files. They keep to
// what every shell and busybox know.

/** Takes the source from its standard input, `$1` bytes of an archive; who comes second changes nothing. */
export const takeSource = `set -e
cd "$EVE_SOURCE"
[ ! -e chosen ] || exit 0
part="$(mktemp -d part.XXXXXX)"
head -c "$1" | tar -x -p -f - -C "$part"
[ -e "$part/whole" ]
printf '%s' "$part" > "$part.name"
ln "$part.name" chosen 2>/dev/null || [ -e chosen ]
`;

/** Waits, each time a tenth of a second, until \`$1\` is there; for at most \`$2\` seconds. */
const waitFor = `wait_for() {
  left=$(($2 * 10))
  until [ -e "$1" ]; do
    [ "$left" -gt 0 ] || return 1
    left=$((left - 1))
    sleep 0.1
  done
}
`;

/** Waits for the source, for a builder whose own image has no shell. */
export const awaitSource = `set -u
trap 'exit 143' TERM
${waitFor}cd "$EVE_SOURCE"
wait_for chosen "$EVE_SOURCE_SECONDS" || exit 120
mv "$(cat chosen)" tree
`;

/**
 * Builds once daemon and source are there: progress goes to a file and to the container's log, the end to a file and to the pod's
 * status. Then it waits for a follower to have read it all.
 */
export const build = `set -u
umask 077
trap 'exit 143' TERM
${waitFor}finish() {
  printf '%s %s' "$1" "\${2:-}" > /dev/termination-log
  printf '%s %s\\n' "$1" "\${2:-}" > "$EVE_PROGRESS/end.part"
  mv "$EVE_PROGRESS/end.part" "$EVE_PROGRESS/end"
  wait_for "$EVE_PROGRESS/seen" "$EVE_KEEP_SECONDS" || true
  case "$1" in ''|*[!0-9]*) exit 1 ;; *) exit "$1" ;; esac
}
left=$((EVE_DAEMON_SECONDS * 10))
until buildctl "--addr=$EVE_ADDRESS" --timeout=1 debug workers > /dev/null 2>&1; do
  [ "$left" -gt 0 ] || finish daemon
  left=$((left - 1))
  sleep 0.1
done
wait_for "$EVE_SOURCE/chosen" "$EVE_SOURCE_SECONDS" || finish source
cd "$EVE_SOURCE"
mv "$(cat chosen)" tree
{ buildctl "$@" 2>&1 > /dev/null; echo "$?" > "$EVE_PROGRESS/code"; } | tee "$EVE_PROGRESS/raw" &
wait "$!"
digest="$(sed -n 's/.*"containerimage.digest": *"\\(sha256:[0-9a-f]*\\)".*/\\1/p' "$EVE_PROGRESS/metadata.json" 2> /dev/null | head -n 1)"
finish "$(cat "$EVE_PROGRESS/code")" "$digest"
`;

/** How much progress one reading takes before it has to be asked again: what was read must not pile up where it goes to. */
export const readBytes = 8 * 1_048_576;

/** Prints progress from byte \`$1\` on as it comes, and on its other output what is used and how the build ended. */
export const readProgress = `cd "$EVE_PROGRESS"
offset="$1"
last=$(($1 + $2))
beats=0
while :; do
  ended=
  [ ! -e end ] || ended=1
  # What a build that failed had used at its end says why.
  case "$(cat end 2> /dev/null)" in ''|0*) ;; *)
    late=0
    until [ "$EVE_USAGE/now" -nt end ] || [ "$late" -ge 15 ]; do late=$((late + 1)); sleep 0.1; done ;;
  esac
  if [ -e raw ]; then
    size="$(wc -c < raw)"
    [ "$size" -le "$last" ] || size="$last"
    if [ "$size" -gt "$offset" ]; then
      tail -c "+$((offset + 1))" raw | head -c "$((size - offset))" || exit 1
      offset="$size"
      [ "$offset" -lt "$last" ] || exit 0
    fi
  fi
  if [ -e "$EVE_USAGE/now" ] && { [ "$((beats % 10))" -eq 0 ] || [ -n "$ended" ]; }; then
    printf 'usage %s\\n' "$(tr '\\n' ' ' < "$EVE_USAGE/now")" >&2 || exit 1
  fi
  if [ -n "$ended" ]; then
    printf 'end %s\\n' "$(cat end)" >&2
    exit 0
  fi
  beats=$((beats + 1))
  sleep 0.1
done
`;

/** Lets the pod end. */
export const markSeen = ': > "$EVE_PROGRESS/seen"';

/** Runs the daemon, whose command is the arguments, and notes once a second what its container uses. */
export const daemon = `set -u
note() {
  if [ -e /sys/fs/cgroup/memory.current ]; then
    cd /sys/fs/cgroup
    printf 'peak %s\\n' "$(cat memory.peak 2> /dev/null || cat memory.current)"
    printf 'memory %s\\n' "$(cat memory.current)"
    sed -n 's/^file /cache /p' memory.stat
    sed -n 's/^oom_kill /kills /p' memory.events
    sed -n 's/^usage_usec \\(.*\\)/cpu \\1000/p' cpu.stat
  else
    cd /sys/fs/cgroup/memory
    printf 'peak %s\\n' "$(cat memory.max_usage_in_bytes)"
    printf 'memory %s\\n' "$(cat memory.usage_in_bytes)"
    sed -n 's/^total_cache /cache /p' memory.stat
    sed -n 's/^oom_kill /kills /p' memory.oom_control
    printf 'cpu %s\\n' "$(cat ../cpuacct/cpuacct.usage)"
  fi
}
( while :; do
    ( note ) > "$EVE_USAGE/now.part" 2> /dev/null && mv "$EVE_USAGE/now.part" "$EVE_USAGE/now"
    sleep 1
  done ) &
exec "$@"
`;

/** Tells the version of BuildKit and the machine that it runs on. */
export const tellVersion = 'buildctl --version && uname -m';
