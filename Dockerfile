# eventdesk in one container: `eventdesk serve`, static, as a user without rights.
#
#   docker build -t eventdesk .
#   docker run -p 8080:8080 -v eventdesk:/data eventdesk

FROM rust:1-alpine AS build
# C, for SQLite and the crypto library.
RUN apk add --no-cache build-base cmake linux-headers perl
WORKDIR /src
COPY . .
# On musl everything is linked in.
ENV CARGO_TARGET_DIR=/build
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build \
    cargo build --release --locked -p eventdesk && install -D -m 755 /build/release/eventdesk /out/eventdesk
RUN install -d -m 700 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/eventdesk /eventdesk
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
# An eventdesk.toml that is mounted here is found; there is no /tmp, so this is also where SQLite sorts what is large.
WORKDIR /data
ENV EVENTDESK_LISTEN=0.0.0.0:8080 EVENTDESK_DATA=/data EVENTDESK_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/eventdesk"]
CMD ["serve"]
