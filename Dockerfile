# One file for every service:
#
#   docker build --build-arg SERVICE=catalog --tag reelmesh/catalog .
#
# An edit in a service builds that service's last layer anew and nothing else, one in packages/, cli/ or proto/ also the
# layer below it; npm runs again only when a package.json or the lock file changes.
ARG NODE_IMAGE=node:24-bookworm-slim
# What a service runs on: `runtime`, or `runtime-ffmpeg` for one that runs ffmpeg.
ARG RUNTIME=runtime

# What npm reads of the sources, so that an edit of anything else is no new install.
FROM ${NODE_IMAGE} AS manifests
RUN --mount=type=bind,target=/context mkdir /manifests && cd /context \
  && cp --parents .npmrc package-lock.json $(find . -name package.json) /manifests

# One service's sources, in services/ or beside it; `service` links to them.
FROM ${NODE_IMAGE} AS source
ARG SERVICE
RUN --mount=type=bind,target=/context mkdir /source && cd /context \
  && folder="services/${SERVICE:?which one: --build-arg SERVICE=catalog}" && { [ -d "$folder" ] || folder=$SERVICE; } \
  && cp -r --parents "$folder" /source && ln -s "$folder" /source/service

# Every build tool.
FROM ${NODE_IMAGE} AS tools
WORKDIR /app
COPY --from=manifests /manifests ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts

# What every image has besides its service: the contracts, the packages and the command line.
FROM tools AS common
COPY tsconfig.json buf.yaml buf.gen.yaml ./
COPY scripts scripts
COPY proto proto
RUN node scripts/generate.mjs
COPY packages packages
COPY cli cli
RUN node scripts/build.mjs && mkdir /common && cp -r --parents proto/dist packages/*/dist cli/dist cli/bin /common

FROM common AS compiled
COPY --from=source /source ./
RUN node scripts/build.mjs && mkdir /compiled && cp -P service /compiled \
  && cp -r --parents $(find "$(readlink service)" -name node_modules -prune -o -name dist -prune -print) /compiled

# One service's production dependencies, without what only compilers, people and other machines read.
FROM ${NODE_IMAGE} AS dependencies
ARG SERVICE
WORKDIR /app
COPY --from=manifests /manifests ./
RUN --mount=type=cache,target=/root/.npm \
  npm ci --omit=dev --ignore-scripts --workspace "@reelmesh/$SERVICE" --workspace cli \
  && find . -path '*/node_modules/*' -type f \( -name '*.ts' -o -name '*.[cm]ts' -o -name '*.map' -o -name '*.md' \
    -o -name '*.musl.node' \) ! -iname 'licen[cs]e*' ! -iname 'notice*' -delete \
  && find . -path '*/prebuilds/*' -prune ! -name 'linux-*' -exec rm -rf {} + \
  && rm -rf node_modules/.bin node_modules/@types && mkdir /dependencies \
  && cp -r --parents node_modules $(find node_modules -maxdepth 2 -type l -exec realpath --relative-to . {} +) /dependencies

FROM ${NODE_IMAGE} AS runtime
# The first process: hands signals on, and takes in the children that others leave behind.
RUN apt-get update && apt-get install --yes --no-install-recommends tini && rm -rf /var/lib/apt/lists/* \
  && ln -s /app/cli/bin/reelmesh.js /usr/local/bin/reelmesh

FROM runtime AS runtime-ffmpeg
RUN apt-get update && apt-get install --yes --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*

FROM ${RUNTIME}
WORKDIR /app
# Where a container listens is for its network to decide; that it does so in plaintext is for the operator to allow.
ENV NODE_ENV=production \
  OPS_LISTEN=0.0.0.0:9090 \
  GATEWAY_LISTEN=0.0.0.0:8080 \
  STORAGE_LISTEN=0.0.0.0:7001 \
  CATALOG_LISTEN=0.0.0.0:7002 \
  UPLOAD_LISTEN=0.0.0.0:7003 \
  STREAMING_LISTEN=0.0.0.0:7005
COPY LICENSE ./
COPY --from=dependencies /dependencies ./
COPY --from=common /common ./
COPY --from=compiled /compiled ./
USER 1000:1000
ENTRYPOINT ["tini", "--"]
CMD ["node", "service/dist/main.js"]
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "require('node:http').get('http://127.0.0.1:9090/readyz', ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
ARG SERVICE
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="reelmesh/$SERVICE" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION" \
  org.opencontainers.image.licenses="Apache-2.0"
