"""Starts the api. On SIGTERM the server finishes the requests it has begun."""

import os

import uvicorn

from shop.app import create_app
from shop.products import ProductStore


def main() -> None:
    store = ProductStore(
        host=os.environ.get("DATABASE_HOST", "db"),
        database=os.environ.get("DATABASE_NAME", "shop"),
        user=os.environ.get("DATABASE_USER", "shop"),
        password=os.environ["DATABASE_PASSWORD"],
    )
    port = int(os.environ.get("PORT", "8000"))
    uvicorn.run(create_app(store), host="0.0.0.0", port=port, access_log=False, timeout_graceful_shutdown=10)


main()
