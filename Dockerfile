# syntax=docker/dockerfile:1
#
# The images of `rag`:
#
#   docker build .                        rag          no browser; the last stage, so the default
#   docker build --target rag-browser .   rag-browser  with Chromium, for pages that need JavaScript
#   docker build --target rag-qdrant .    rag-qdrant   with Qdrant, for deploy/qdrant*
#
# All are Debian 13 inside, so that one glibc fits what was built here. None has
# a secret in it, or runs as root. There is no VOLUME: Fly mounts over /data, and
# elsewhere an anonymous volume would be left behind by every `docker run`.

# What the project is tested with; Cargo.toml has the oldest that will do.
ARG RUST=1.95.0
ARG QDRANT=v1.18.3

# The manifests and an empty source for each crate: all that the dependencies are
# compiled from. Files that are copied from here are compared by content, so the
# stages below are made anew when a manifest changes, not when the code does.
#
# A layer and no cache mount: layers can be had from a registry (`--cache-from`)
# by a builder that starts empty; mounts stay on the builder they were made on.
FROM rust:${RUST}-slim-trixie AS manifests
WORKDIR /source
COPY Cargo.toml Cargo.lock ./
COPY bench bench
COPY crates crates
COPY testsite testsite
RUN find bench crates testsite -type f \
        ! -name Cargo.toml ! -path '*/src/lib.rs' ! -path '*/src/main.rs' -delete \
    && find bench crates testsite -type d -empty -delete \
    && find bench crates testsite -name lib.rs -exec truncate --size=0 {} + \
    && find bench crates testsite -name main.rs -exec sh -c 'echo "fn main() { }" > "$1"' sh {} ';'

FROM rust:${RUST}-slim-trixie AS dependencies
WORKDIR /source
COPY --from=manifests /source ./
RUN cargo build --release --locked --package rag --no-default-features

FROM dependencies AS build
COPY assets assets
COPY crates crates
# Cargo goes by times, and a checkout is older than the empty sources.
RUN find crates -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --package rag --no-default-features \
    && mkdir /data
# What the program needs beside itself: the libraries that it is linked with (glibc
# and libgcc), and the roots of the public certificate authorities, for web pages
# and OpenAI.
# hadolint ignore=SC2046
RUN install --directory --mode=1777 /image/tmp \
    && ldd target/release/rag > libraries \
    && cp --parents --dereference --target-directory=/image \
        $(grep --only-matching '/[^ ]*' libraries) /etc/ssl/certs/ca-certificates.crt

FROM dependencies AS dependencies-browser
RUN cargo build --release --locked --package rag

FROM dependencies-browser AS build-browser
COPY assets assets
COPY crates crates
RUN find crates -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --package rag

# Chromium and the server on Debian. `chromium-sandbox` is what confines pages
# where user namespaces are closed to everyone but root.
FROM debian:trixie-slim AS rag-browser
# No versions: an image that is built again shall get the browser's latest fixes.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates chromium chromium-sandbox fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin rag \
    && install --directory --owner=rag --group=rag /data
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/rag/
COPY assets/all-MiniLM-L6-v2/LICENSE assets/all-MiniLM-L6-v2/README.md /usr/share/doc/rag/model/
COPY --from=build-browser /source/target/release/rag /usr/local/bin/rag
ENV HOST=0.0.0.0 \
    PORT=8000 \
    RAG_DATA_DIR=/data \
    RAG_LOG_FORMAT=json \
    RAG_CHROMIUM=/usr/bin/chromium
WORKDIR /home/rag
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/usr/local/bin/rag", "health"]
ENTRYPOINT ["/usr/local/bin/rag"]
CMD ["serve"]

# The server beside Qdrant, with a script that keeps the two together. The
# unprivileged image of Qdrant has user 1000 and gives it /qdrant.
FROM qdrant/qdrant:${QDRANT}-unprivileged AS rag-qdrant
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/rag/
COPY assets/all-MiniLM-L6-v2/LICENSE assets/all-MiniLM-L6-v2/README.md /usr/share/doc/rag/model/
COPY --from=build /source/target/release/rag /usr/local/bin/rag
COPY --chmod=755 deploy/qdrant/start.sh /usr/local/bin/start
COPY --from=build --chown=1000:1000 /data /data
# Qdrant is for this machine alone, unless the deployment says otherwise.
ENV HOST=0.0.0.0 \
    PORT=8000 \
    RAG_DATA_DIR=/data \
    RAG_LOG_FORMAT=json \
    QDRANT_HOST=localhost \
    QDRANT_PORT=6334 \
    QDRANT__SERVICE__HOST=127.0.0.1 \
    QDRANT__TELEMETRY_DISABLED=true
# Qdrant reads ./config from here.
WORKDIR /qdrant
USER 1000:1000
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/usr/local/bin/rag", "health"]
ENTRYPOINT ["/usr/local/bin/start"]
CMD ["both"]

# The server alone, on nothing: no shell, no package manager, no other program.
# Fixes of glibc come with the next build, as those of the program do.
FROM scratch AS rag
COPY --from=build /image /
COPY --from=build /source/target/release/rag /usr/local/bin/rag
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/rag/
COPY assets/all-MiniLM-L6-v2/LICENSE assets/all-MiniLM-L6-v2/README.md /usr/share/doc/rag/model/
COPY --from=build --chown=65532:65532 /data /data
ENV HOST=0.0.0.0 \
    PORT=8000 \
    RAG_DATA_DIR=/data \
    RAG_LOG_FORMAT=json
USER 65532:65532
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/usr/local/bin/rag", "health"]
ENTRYPOINT ["/usr/local/bin/rag"]
CMD ["serve"]
