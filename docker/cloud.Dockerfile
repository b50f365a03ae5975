# The centre: ingest, API and console. Build from the repository's root:
#   docker build -f docker/cloud.Dockerfile -t bellwether-cloud .
FROM node:22-bookworm-slim AS console
WORKDIR /src
COPY cloud/console cloud/console
COPY docs/openapi.json docs/openapi.json
RUN cd cloud/console && npm ci --silent && npm run build

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/bellwether
COPY requirements/cloud.txt requirements/build.txt requirements/
RUN /opt/bellwether/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/cloud.txt
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY protocols protocols
COPY edge_agent edge_agent
COPY cloud cloud
COPY ops ops
COPY --from=console /src/cloud/console/dist cloud/console/dist
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/bellwether/bin/pip install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 bellwether \
    && install -d -o bellwether -m 0750 /var/lib/bellwether/content
COPY --from=build /opt/bellwether /opt/bellwether
ENV PATH=/opt/bellwether/bin:$PATH PYTHONUNBUFFERED=1
USER bellwether
EXPOSE 8080
ENTRYPOINT ["bellwether"]
CMD ["cloud", "serve"]
