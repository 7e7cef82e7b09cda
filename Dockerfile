# Signoff's image: the hash-locked requirements, the code, and a user who may write nothing but /data.
FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app

COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock

COPY bot bot
COPY adapters adapters
COPY storage storage
RUN python -m compileall -q . \
 && useradd --uid 10001 --no-create-home signoff \
 && install -d -o signoff /data
USER 10001

# Inside a container the address to listen on is the container's own; what reaches it is the network's business.
ENV SIGNOFF_HOST=0.0.0.0 SIGNOFF_PORT=8000 SIGNOFF_CONFIG=/etc/signoff/signoff.toml
EXPOSE 8000
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
