# One image for every role: `docker compose up`, or `docker run IMAGE serve --role worker`.
# Built from the same locks as everything else; nothing of the build stage but the finished environment gets in.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_LINK_MODE=copy UV_NO_CACHE=1
WORKDIR /src
COPY requirements/bootstrap.txt requirements/runtime.txt requirements/
RUN python -m venv /tools \
    && python -m venv --without-pip /opt/atelier \
    && /tools/bin/pip install --require-hashes -r requirements/bootstrap.txt \
    && /tools/bin/uv pip install --python /opt/atelier/bin/python --compile-bytecode --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY core core
COPY storage storage
COPY bots bots
COPY admin_cli admin_cli
RUN /tools/bin/python -m hatchling build -t wheel -d /dist \
    && /tools/bin/uv pip install --python /opt/atelier/bin/python --compile-bytecode --no-deps /dist/*.whl

FROM python:3.11-slim
COPY --from=build /opt/atelier /opt/atelier
RUN useradd --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin atelier
ENV PATH=/opt/atelier/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite+aiosqlite:////data/atelier.db \
    FILES_URL=file:///data/files \
    HTTP_HOST=0.0.0.0 \
    HTTP_PORT=8080 \
    LOG_FORMAT=json
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=4 \
    CMD python -c "import sys, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{sys.argv[1]}/healthz', timeout=4)" "$HTTP_PORT"
ENTRYPOINT ["atelier"]
CMD ["serve"]
