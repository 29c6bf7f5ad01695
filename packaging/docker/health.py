"""Health check of the image: health.py CONFIG ends with 0 if the service is healthy, 1 otherwise.

A service without a health page counts as healthy.
"""

import sys
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from edge_attp.errors import EdgeAttpError
from edge_attp.service.config import load_config

TIMEOUT_S = 8.0
ANY_ADDRESS = ("", "0.0.0.0", "[::]")


def query_health(health):
    """The answer of /healthz. Raises OSError unless the service is healthy."""
    host, port = health.listen.rsplit(":", 1)
    url = "http://{}:{}/healthz".format("127.0.0.1" if host in ANY_ADDRESS else host, port)
    request = Request(url)
    if health.token_file is not None:
        request.add_header("Authorization", "Bearer " + health.token_file.text)
    with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT_S) as answer:
        return answer.read().decode()


def main(path):
    try:
        health = load_config(path).health
        print(query_health(health).strip() if health.listen else "[health] listen is empty")
    except HTTPError as error:
        return f"{error}: {error.read().decode().strip()}"
    except (EdgeAttpError, OSError) as error:
        return str(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
