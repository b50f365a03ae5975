# One agent. Build from the repository's root:
#   docker build -f docker/edge.Dockerfile -t bellwether-edge .
# Run with the host's network, its config and a volume for the spool, which is the only copy of what was not sent yet:
#   docker run -d --network host --cap-add NET_RAW --stop-timeout 30 \
#     -v /etc/bellwether:/etc/bellwether:ro -v bellwether-agent:/var/lib/bellwether bellwether-edge
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/bellwether
COPY requirements/edge.txt requirements/build.txt requirements/
RUN /opt/bellwether/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/edge.txt
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY protocols protocols
COPY edge_agent edge_agent
COPY cloud cloud
COPY ops ops
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/bellwether/bin/pip install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends fping && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/bellwether bellwether
COPY --from=build /opt/bellwether /opt/bellwether
ENV PATH=/opt/bellwether/bin:$PATH PYTHONUNBUFFERED=1
USER bellwether
VOLUME /var/lib/bellwether
ENTRYPOINT ["bellwether", "agent"]
CMD ["run", "--config", "/etc/bellwether/agent.toml"]
