# docker build -t huedb .
# docker run --rm -v "$PWD:/data" --user "$(id -u):$(id -g)" huedb query notes "how do foxes move"

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked

# ONNX Runtime, as huedb pins and checks it.
FROM python:3.12-slim-bookworm AS runtime
COPY --from=build /src/target/release/huedb /usr/local/bin/huedb
ENV HUEDB_DATA_DIR=/var/lib/huedb
RUN huedb setup

FROM debian:bookworm-slim
COPY --from=build /src/target/release/huedb /usr/local/bin/huedb
COPY --from=runtime --chmod=755 /var/lib/huedb /var/lib/huedb
RUN useradd --system --create-home --uid 1000 huedb && install -d -o huedb -g huedb -m 1777 /data /var/cache/huedb
ENV HUEDB_DATA_DIR=/var/lib/huedb HUEDB_CACHE_DIR=/var/cache/huedb
USER 1000
WORKDIR /data
ENTRYPOINT ["huedb"]
CMD ["--help"]
