"""Prometheus metrics of the edge, and the page that shows all of the process's."""

from functools import lru_cache

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
REQUESTS = Counter("madang_http_requests_total", "Requests answered", ("method", "route", "status"))
DURATION = Histogram(
    "madang_http_request_seconds", "Time to the end of the response", ("method", "route"), buckets=_BUCKETS
)


@lru_cache(4096)
def request_metrics(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """The children of one combination of labels, looked up once; a hit is one lookup, not two locks and two."""
    return REQUESTS.labels(method, route, str(status)), DURATION.labels(method, route)


router = APIRouter(tags=["service"])


@router.get("/metrics", response_class=Response, summary="Prometheus metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
