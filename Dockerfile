# docker build -t huedb .
# docker run --rm -v "$PWD:/data" --user "$(id -u):$(id -g)" huedb query notes "how do foxes move"
# As a server: deploy/compose.yaml. It needs to write /data alone, and memory for /tmp and /var/cache/huedb:
# docker run --read-only --tmpfs /tmp --tmpfs /var/cache/huedb:uid=1000 --cap-drop ALL --security-opt no-new-privileges ...

FROM rust:1.95-bookworm AS build
# The crates that are inside are written into the binary, where scanners find them, and into a list beside it.
RUN cargo install --locked cargo-auditable@0.7.7 cargo-cyclonedx@0.5.9
WORKDIR /src
COPY . .
RUN cargo auditable build --release --locked \
    && cargo cyclonedx --format json --spec-version 1.5 --override-filename huedb.cdx \
    && mkdir -p /licenses && cp LICENSE-* /licenses/

# ONNX Runtime, as huedb pins and checks it.
FROM python:3.12-slim-bookworm AS runtime
COPY --from=build /src/target/release/huedb /usr/local/bin/huedb
ENV HUEDB_DATA_DIR=/var/lib/huedb
RUN huedb setup

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="huedb" \
      org.opencontainers.image.source="https://github.com/huedb/huedb" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /src/target/release/huedb /usr/local/bin/huedb
COPY --from=build /src/huedb.cdx.json /licenses /usr/share/doc/huedb/
COPY --from=runtime --chmod=755 /var/lib/huedb /var/lib/huedb
RUN useradd --system --create-home --uid 1000 huedb && install -d -o huedb -g huedb -m 1777 /data /backup /var/cache/huedb
# Loopback is the container's own: the server listens to all, and so starts only with tokens and TLS or a proxy.
ENV HUEDB_DATA_DIR=/var/lib/huedb HUEDB_CACHE_DIR=/var/cache/huedb HUEDB_LISTEN=0.0.0.0:8000
USER 1000
WORKDIR /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# With TLS in the container, say where: --health-cmd 'huedb ping https://localhost:8000 --ca FILE'.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["huedb", "ping"]
ENTRYPOINT ["huedb"]
CMD ["serve"]
