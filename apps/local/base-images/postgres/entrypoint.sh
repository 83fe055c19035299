#!/bin/sh
# Makes the database on the first start, then becomes the server.
#   POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE   required, unless POSTGRES_HOST_AUTH_METHOD=trust
#   POSTGRES_USER (postgres)   POSTGRES_DB (the user's name)   POSTGRES_INITDB_ARGS
set -eu

case "${1:-postgres}" in -*) set -- postgres "$@" ;; esac
[ "${1:-}" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  chown postgres: "$PGDATA" /var/run/postgresql
  find "$PGDATA" ! -user postgres -exec chown postgres: {} +
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi
chmod 0700 "$PGDATA" 2>/dev/null || true

password() {
  if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then cat "$POSTGRES_PASSWORD_FILE"; else printf %s "${POSTGRES_PASSWORD:-}"; fi
}

# A half-made database is never taken for a whole one: it is made in .new, and PG_VERSION moves last.
initialise() {
  new="$PGDATA/.new"
  user="${POSTGRES_USER:-postgres}"
  database="${POSTGRES_DB:-$user}"
  method="${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}"
  if [ -z "$(password)" ] && [ "$method" != trust ]; then
    echo 'Set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE: the database is not made without a password.' >&2
    exit 1
  fi
  if [ -e "$new" ]; then find "$PGDATA" -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf {} +; fi

  file=$(mktemp)
  password > "$file"
  pwfile="--pwfile=$file"
  [ -s "$file" ] || pwfile=--auth-host=trust
  # shellcheck disable=SC2086 # the arguments are meant to be split
  initdb --pgdata="$new" --username="$user" "$pwfile" --encoding=UTF8 --auth-local=trust ${POSTGRES_INITDB_ARGS:-}
  rm -f "$file"
  printf '\nhost all all all %s\n' "$method" >> "$new/pg_hba.conf"

  pg_ctl --pgdata="$new" --wait --silent --options="-c listen_addresses=''" start
  if [ "$database" != postgres ]; then createdb --username="$user" --maintenance-db=postgres -- "$database"; fi
  for script in /docker-entrypoint-initdb.d/*; do
    case "$script" in
      *.sql) psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$user" --dbname="$database" --file="$script" ;;
      *.sh) . "$script" ;;
    esac
  done
  pg_ctl --pgdata="$new" --wait --silent --mode=fast stop

  find "$new" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
  mv "$new/PG_VERSION" "$PGDATA/"
  rmdir "$new"
}

[ -s "$PGDATA/PG_VERSION" ] || initialise
exec "$@"
