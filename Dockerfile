# The emulator as an image, for docker-compose.yml. What script/build made here is taken when it is there and runs in
# this base; otherwise the first stage builds it.
FROM node:20-slim AS build
COPY . /src
WORKDIR /src
RUN if [ ! -x build/release/dodam ] || [ ! -x build/release/dodam-holder ]; then \
        script/bootstrap && script/build release dodam dodam-holder; \
    fi \
 && mkdir /out && cp build/release/dodam build/release/dodam-holder /out

FROM debian:bookworm-slim
# The libraries of script/packages without their headers.
RUN apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates libarchive13 libbrotli1 libcpp-httplib0.11 libfmt9 libhiredis0.14 \
        libmariadb3 libpcre2-8-0 libpugixml1v5 libsqlite3-0 libssl3 libyaml-0-2 zlib1g \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /usr/local/bin/
RUN dodam --help >/dev/null
ENTRYPOINT ["dodam"]
CMD ["up", "--bind=0.0.0.0", "--state=/state"]
