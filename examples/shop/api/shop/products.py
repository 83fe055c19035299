"""Products in PostgreSQL."""

from queue import Empty, LifoQueue

import pg8000.native

FIRST_PRODUCTS = [("Green tea", "4.50"), ("Honey", "6.20"), ("Teapot", "24.00")]

# Two instances may start at once: the lock lets one of them make the table.
SCHEMA = [
    "select pg_advisory_xact_lock(4711)",
    "create table if not exists products ("
    " id bigint generated always as identity primary key, name text not null unique, price numeric(10, 2) not null)",
]


class ProductStore:
    """Keeps its connections for the next request; one that broke is thrown away."""

    def __init__(self, **connection):
        self._connection = connection
        self._idle = LifoQueue()
        self._prepared = False

    def list(self):
        rows = self._run(lambda database: database.run("select id, name, price from products order by id"))
        return [{"id": id, "name": name, "price": str(price)} for id, name, price in rows]

    def _run(self, work):
        try:
            database = self._idle.get_nowait()
        except Empty:
            return self._use(self._connect(), work)
        try:
            return self._use(database, work)
        except Exception:  # it may have been closed while it was idle: a new one decides
            return self._use(self._connect(), work)

    def _use(self, database, work):
        try:
            result = work(database)
        except Exception:
            _close(database)
            raise
        self._idle.put(database)
        return result

    def _connect(self):
        database = pg8000.native.Connection(timeout=5, **self._connection)
        if not self._prepared:
            _prepare(database)
            self._prepared = True
        return database


def _prepare(database):
    database.run("begin")
    for statement in SCHEMA:
        database.run(statement)
    for name, price in FIRST_PRODUCTS:
        database.run("insert into products (name, price) values (:name, :price) on conflict do nothing", name=name, price=price)
    database.run("commit")


def _close(database):
    try:
        database.close()
    except Exception:  # it is broken anyway
        pass
