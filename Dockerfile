# docs/install.md goes through it. In short: docker build -t bellhop . &&
# docker run --init --stop-timeout 30 -p 127.0.0.1:8080:8080 -v bellhop-data:/data --env-file .env bellhop
FROM python:3.12-slim

# The process runner's workers clone and push with git.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/*

# `bellhop` runs the bot; `worker` is there for BELLHOP_WORKER_USER.
RUN useradd --uid 10001 --create-home bellhop && useradd --uid 10002 --create-home worker

WORKDIR /opt/bellhop
COPY pyproject.toml constraints.txt app.yml README.md LICENSE ./
COPY handlers handlers
COPY storage storage
COPY bot bot
COPY worker worker
COPY simulator simulator
RUN pip install --no-cache-dir --disable-pip-version-check -c constraints.txt . && mkdir /data
COPY deploy/entrypoint deploy/entrypoint

# Workers run beside the bot and reach it without leaving the machine.
ENV BELLHOP_HOST=0.0.0.0 BELLHOP_PORT=8080 BELLHOP_DATA=/data \
    BELLHOP_WORKER_URL=http://127.0.0.1:8080 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['BELLHOP_PORT'] + '/healthz', timeout=4)"]

ENTRYPOINT ["/opt/bellhop/deploy/entrypoint"]
CMD ["serve"]
