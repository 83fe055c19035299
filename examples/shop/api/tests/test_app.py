import unittest

from starlette.testclient import TestClient

from shop.app import create_app


class Store:
    def __init__(self, products=(), fails=False):
        self.products = list(products)
        self.fails = fails

    def list(self):
        if self.fails:
            raise ConnectionError("no database")
        return self.products


class App(unittest.TestCase):
    def test_lists_the_products_of_the_store(self):
        tea = {"id": 1, "name": "Tea", "price": "4.50"}

        answer = TestClient(create_app(Store([tea]))).get("/products")

        self.assertEqual(answer.json(), {"products": [tea]})

    def test_lives_but_is_not_ready_without_its_database(self):
        client = TestClient(create_app(Store(fails=True)))

        self.assertEqual(client.get("/health/live").status_code, 200)
        self.assertEqual(client.get("/health/ready").status_code, 503)

    def test_is_ready_with_its_database(self):
        self.assertEqual(TestClient(create_app(Store())).get("/health/ready").status_code, 200)
