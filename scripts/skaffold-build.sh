#!/bin/sh
# Builds a service's image for Skaffold, which says by IMAGE and PUSH_IMAGE what to call it and where it goes.
# The network is the machine's own: what reaches a package registry from here reaches it from the build.
set -eu
where=--load
[ "$PUSH_IMAGE" = true ] && where=--push
exec docker buildx build --quiet --network host --build-arg "SERVICE=$1" --tag "$IMAGE" "$where" .
