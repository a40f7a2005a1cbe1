# Tollbridge as a container. Flags go to the entry point:
#
#   docker build -t tollbridge .
#   docker run -d -p 4000:4000 -e OPENAI_API_KEY=$OPENAI_API_KEY -v $(pwd)/config.yaml:/app/config.yaml \
#     -v tollbridge:/state tollbridge --config /app/config.yaml --port 4000
#   docker logs CONTAINER            # the key that was made at the first start
#
# A hook is mounted beside the configuration, as /app/custom_mcp_hook.py. Other commands: docker exec CONTAINER tollbridge ...
# What is optional (pg, aws, gcp, azure ...) is built in by `--build-arg EXTRAS=pg,aws`.

FROM python:3.12-slim

ARG EXTRAS=""
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --require-hashes -r requirements.lock \
    && pip install --no-cache-dir --no-build-isolation ".${EXTRAS:+[$EXTRAS]}" \
    && useradd --create-home tollbridge \
    && mkdir /app /state \
    && chown tollbridge /app /state

ENV TOLLBRIDGE_HOME=/state PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=1
USER tollbridge
WORKDIR /app
VOLUME /state
EXPOSE 4000
ENTRYPOINT ["tollbridge", "serve", "--host", "0.0.0.0"]
