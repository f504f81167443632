FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements/postgres.lock requirements/postgres.lock
RUN python -m venv /opt/exchange \
    && /opt/exchange/bin/pip install --require-hashes --no-deps -r requirements/postgres.lock

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Referral Exchange" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --system --gid 10001 exchange \
    && useradd --system --uid 10001 --gid exchange --home-dir /app --no-create-home --shell /usr/sbin/nologin exchange \
    && install -d -o exchange -g exchange -m 0700 /var/lib/exchange/keys
ENV PATH=/opt/exchange/bin:$PATH \
    PYTHONUTF8=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=build /opt/exchange /opt/exchange
COPY LICENSE pyproject.toml ./
COPY directory directory
COPY fhir_mapping fhir_mapping
COPY exchange exchange
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=4 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m", "exchange"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
