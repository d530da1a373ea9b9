FROM python:3.12-slim

# src/spancost/conventions is a link to conventions, so both keep their places.
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY conventions conventions
COPY src src
RUN pip install --no-cache-dir -c constraints.txt . && rm -rf /build/*

RUN useradd --system --uid 10001 --create-home spancost && install -d -o spancost -m 0700 /data
USER spancost
WORKDIR /data
VOLUME /data

# Reachable from outside the container. Without SPANCOST_RECEIVE__TOKEN, SPANCOST_CLICKHOUSE_HTTP__PASSWORD and
# SPANCOST_ADMIN__TOKEN the start is therefore refused.
ENV SPANCOST_DATA_DIR=/data \
    SPANCOST_RECEIVE__GRPC__ENDPOINT=0.0.0.0:4317 \
    SPANCOST_RECEIVE__HTTP__ENDPOINT=0.0.0.0:4318 \
    SPANCOST_CLICKHOUSE_HTTP__ENDPOINT=0.0.0.0:8123 \
    SPANCOST_ADMIN__ENDPOINT=0.0.0.0:8080
EXPOSE 4317 4318 8123 8080

ENTRYPOINT ["spancost"]
CMD ["up"]
