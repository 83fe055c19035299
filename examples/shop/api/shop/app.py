"""The routes of the api."""

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


def create_app(store) -> Starlette:
    """An application that lists what the store holds; it does not care what kind of store that is."""

    def products(_request):
        return JSONResponse({"products": store.list()})

    def live(_request):
        return JSONResponse({"status": "ok"})

    def ready(_request):
        try:
            store.list()
        except Exception as error:  # whatever is wrong with the database, the answer is the same
            print(f"not ready: {error}")
            return JSONResponse({"status": "waiting for the database"}, status_code=503)
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/products", products),
            Route("/health/live", live),
            Route("/health/ready", ready),
        ]
    )
