# The gateway and the command line, offline, without compilers and as a user without rights: docs/operations.md, "Container".
# tests/integration/container_test.py runs every step.
FROM debian:bookworm-slim AS build
WORKDIR /src
COPY scripts/setup.sh scripts/requirements.txt scripts/
COPY models models
RUN scripts/setup.sh --build
COPY . .
RUN scripts/install_program.sh /opt/assay

FROM debian:bookworm-slim
RUN apt-get update && \
    apt-get install -y --no-install-recommends \
        ca-certificates curl libargon2-1 libboost-json1.81.0 libcmark0.30.2 libcurl4 libfmt9 libfyaml0 libgumbo1 \
        libhiredis0.14 libhwy1 libmimalloc2.0 libpoppler-cpp0v5 libsimdjson14 libsodium23 libsqlite3-0 libssl3 libtbb12 && \
    rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 assay && \
    useradd --uid 10001 --gid assay --home-dir /var/lib/assay --no-create-home --shell /usr/sbin/nologin assay && \
    install --directory --owner assay --group assay --mode 0700 /var/lib/assay
COPY --from=build /opt/assay /usr/local
ENV ASSAY_LISTEN=0.0.0.0:9000 ASSAY_DATA_FOLDER=/var/lib/assay ASSAY_STATE=/var/lib/assay
USER 10001:10001
WORKDIR /var/lib/assay
VOLUME /var/lib/assay
EXPOSE 9000
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["curl", "--silent", "--fail", "--noproxy", "*", "--output", "/dev/null", "http://127.0.0.1:9000/health"]
ENTRYPOINT ["assay"]
CMD ["serve"]
