# Two images from one file, each from the wheel and the versions of uv.lock:
#   docker build --target online -t setwise-online .                 what answers shoppers; no torch
#   docker build --target orchestration -t setwise-orchestration .   what builds releases, fills tables, follows the log
FROM python:3.11-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1
ENV PATH=/opt/setwise/bin:$PATH

FROM base AS wheel
WORKDIR /src
RUN pip install --no-cache-dir uv==0.13.9
COPY . .
RUN uv build --wheel --out-dir /wheel

FROM wheel AS online-install
RUN python -m venv --without-pip /opt/setwise \
    && uv export --frozen --no-dev --no-emit-project --extra online --extra stream --extra traces --quiet -o /wheel/locked.txt \
    && VIRTUAL_ENV=/opt/setwise uv pip install --no-cache --no-deps --require-hashes -r /wheel/locked.txt \
    && VIRTUAL_ENV=/opt/setwise uv pip install --no-cache --no-deps /wheel/*.whl

FROM wheel AS orchestration-install
RUN python -m venv --without-pip /opt/setwise \
    && uv export --frozen --no-dev --no-emit-project --all-extras --quiet -o /wheel/locked.txt \
    && VIRTUAL_ENV=/opt/setwise uv pip install --no-cache --no-deps --require-hashes -r /wheel/locked.txt \
    && VIRTUAL_ENV=/opt/setwise uv pip install --no-cache --no-deps /wheel/*.whl

FROM base AS online
COPY --from=online-install /opt/setwise /opt/setwise
RUN useradd --system --uid 10001 --create-home setwise && install -d -o setwise /data
USER 10001
WORKDIR /data
# A container has a network of its own: what is published of it, and where, is said where it is run.
ENV SETWISE_DATA_DIR=/data SETWISE_HOST=0.0.0.0 SETWISE_PORT=8000 SETWISE_LOG_FORMAT=json
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
ENTRYPOINT ["setwise"]
CMD ["serve"]

FROM base AS orchestration
COPY --from=orchestration-install /opt/setwise /opt/setwise
# LightGBM needs it and does not bring it; the version is that of the image's Debian.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home setwise && install -d -o setwise /data
USER 10001
WORKDIR /data
ENV SETWISE_DATA_DIR=/data
VOLUME /data
ENTRYPOINT ["setwise"]
CMD ["build"]
