"""An HTTP API as others run one, with its OpenAPI document: how many of an article are there. It knows nothing of MCP.

python examples/agent/stock.py 8000
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

STOCK = {"SKU-7": 0, "SKU-9": 12}
OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "Stock", "version": "1"},
    "paths": {
        "/stock/{article_id}": {
            "get": {
                "operationId": "get_stock",
                "summary": "How many of an article are in stock",
                "parameters": [{"name": "article_id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "The article, and how many there are"}},
            }
        }
    },
}


class Stock(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        article = self.path.removeprefix("/stock/")
        if self.path == "/openapi.json":
            self.answer(200, OPENAPI)
        elif article in STOCK:
            self.answer(200, {"article": article, "in_stock": STOCK[article]})
        else:
            self.answer(404, {"error": "There is no such article."})

    def answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: object) -> None:
        """Requests are not told on stderr."""


@contextmanager
def serving() -> Iterator[str]:
    """Its address, on a port that is free."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Stock) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Stock).serve_forever()
