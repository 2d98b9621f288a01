#!/usr/bin/env bash
# What goes into the cluster, in its order: certificates before Kong, which mounts them; Kong before its resources, which
# its webhook checks.
# shellcheck disable=SC2034,SC2153  # the parts share their variables

NAMESPACE=portcullis
KONG_NAMESPACE=kong
KONG_CHART=3.4.1
CERT_MANAGER_CHART=v1.21.1
PROMETHEUS_CHARTS=https://prometheus-community.github.io/helm-charts
PROMETHEUS_STACK_CHART=88.5.3
PROMETHEUS_ADAPTER_CHART=5.3.0

open_cluster() {
  local namespace
  HINT="the right container.clusters.connect, and a cluster that is running: ./deploy.sh status"
  cloud_get_credentials
  for namespace in "$NAMESPACE" "$KONG_NAMESPACE"; do
    printf '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "%s"}}' "$namespace" |
      apply_from_input deploy.sh-namespaces
  done
}

# apply_from_input MANAGER
apply_from_input() {
  feed 120 kubectl apply --server-side --force-conflicts "--field-manager=$1" -f -
}

install_cert_manager() {
  local options
  options="$(cloud_cert_manager_options)"
  helm_install cert-manager cert-manager cert-manager https://charts.jetstack.io "$CERT_MANAGER_CHART" \
    --values "$ROOT/configs/kubernetes/components/cert-manager/cert-manager-values.yaml" ${options:+"$options"}
}

# Prometheus, Alertmanager and Grafana, with what components/monitoring has for them; MONITORING=none leaves them out.
has_monitoring() { [ "${MONITORING:-}" != none ]; }

install_monitoring() {
  if ! has_monitoring; then
    done_now "MONITORING=none: left out"
    return
  fi
  helm_install monitoring monitoring kube-prometheus-stack "$PROMETHEUS_CHARTS" "$PROMETHEUS_STACK_CHART" \
    --values "$ROOT/configs/prometheus/kube-prometheus-stack-values.yaml"
  helm_install prometheus-adapter monitoring prometheus-adapter "$PROMETHEUS_CHARTS" "$PROMETHEUS_ADAPTER_CHART" \
    --values "$ROOT/configs/kubernetes/components/monitoring/prometheus-adapter-values.yaml"
}

install_kong() {
  local files certificate
  # Another one is another pod.
  certificate="$(kong_certificate | sha256sum | cut -c1-16)"
  keep "$OVERLAY_FOLDER/kong-values.yaml" <<TEXT
image: {unifiedRepoTag: "$REGISTRY/portcullis-kong@${DIGEST[portcullis-kong]}"}
podAnnotations: {portcullis/secrets: "$SECRET_VERSIONS", portcullis/certificate: "$certificate"}
$(cloud_kong_values)
TEXT
  files=(--values "$ROOT/configs/kong/kong-values.yaml")
  # A store of the cloud's whose certificate nobody public has signed.
  if [ -n "${OUT[redis_ca_secret]:-}" ] && ! has_own_redis; then
    files+=(--values "$ROOT/configs/kong/kong-values-managed-redis.yaml")
  fi
  helm_install kong "$KONG_NAMESPACE" kong https://charts.konghq.com "$KONG_CHART" "${files[@]}" \
    --values "$OVERLAY_FOLDER/kong-values.yaml"
}

# helm_install RELEASE NAMESPACE CHART REPOSITORY VERSION OPTIONS...
helm_install() {
  local state
  HINT="what its pods say: KUBECONFIG=$KUBECONFIG kubectl describe pods --namespace $2"
  # A run that was killed leaves a release that waits for it for ever.
  state="$(attempt 60 helm status "$1" --namespace "$2" --output json | grep -o '"status": *"pending-[a-z]*"' || true)"
  case "$state" in
    *pending-install*) run 600 helm uninstall "$1" --namespace "$2" --wait --timeout 5m ;;
    *pending-*) run 1200 helm rollback "$1" --namespace "$2" --wait --timeout 15m ;;
  esac
  run 1800 helm upgrade --install "$1" "$3" --repo "$4" --version "$5" --namespace "$2" --create-namespace \
    --wait --timeout 20m "${@:6}"
}

# The overlay with what is only known here: images by digest, accounts, addresses.
render_manifests() {
  write_overlay | keep "$OVERLAY_FOLDER/kustomization.yaml"
  [ -z "${DOMAIN:-}" ] || public_certificate | keep "$OVERLAY_FOLDER/public-certificate.yaml"
  HINT="kubectl kustomize ${OVERLAY_FOLDER#"$ROOT"/} says what is wrong"
  MANIFESTS="$STATE/manifests.yaml"
  run 120 kubectl kustomize "$OVERLAY_FOLDER" | keep "$MANIFESTS"
}

write_overlay() {
  local setting
  cat <<TEXT
# Made by deploy.sh for $PROJECT. Changes are lost at its next run.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - $(seen_from_overlay "overlays/$OVERLAY")
$([ -z "${DOMAIN:-}" ] || echo "  - public-certificate.yaml")
$(! has_monitoring || printf '%s\n' "components:" "  - $(seen_from_overlay components/monitoring)")
images:
  - name: portcullis-backend
    newName: $REGISTRY/portcullis-backend
    digest: ${DIGEST[portcullis-backend]}
configMapGenerator:
  - name: portcullis-settings
    namespace: $NAMESPACE
    behavior: merge
    literals:
TEXT
  for setting in "${CLUSTER_SETTINGS[@]}"; do echo "      - \"$setting\""; done
  cat <<TEXT
patches:
  - target: {kind: Deployment, name: portcullis-backend}
    patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: portcullis-backend}
      spec: {template: {metadata: {annotations: {portcullis/secrets: "$SECRET_VERSIONS"}}}}
$(cloud_patches)
$(certificate_patch)
TEXT
}

seen_from_overlay() {
  realpath --canonicalize-missing --relative-to="$OVERLAY_FOLDER" "$ROOT/configs/kubernetes/$1"
}

# What signs itself is Kong's own certificate, for whoever names no host: it reads that file when it starts, and never
# again. The public one belongs to the routes, from where Kong's controller brings each renewal while Kong runs.
certificate_patch() {
  echo "  - target: {kind: Certificate, name: portcullis-tls}"
  echo "    patch: |-"
  printf '      %s\n' "\$patch: delete" 'apiVersion: cert-manager.io/v1' 'kind: Certificate' 'metadata: {name: portcullis-tls}'
  [ -n "${DOMAIN:-}" ] || return 0
  echo "  - target: {kind: Ingress, name: portcullis-.*}"
  echo "    patch: |-"
  echo "      [{\"op\": \"add\", \"path\": \"/spec/tls\", \"value\": [{\"hosts\": $(hosts), \"secretName\": \"portcullis-public-tls\"}]}]"
  # Let's Encrypt asks the domain's zone, which this project has.
  echo "  - target: {kind: ClusterIssuer, name: letsencrypt}"
  echo "    patch: |-"
  echo "      [{\"op\": \"replace\", \"path\": \"/spec/acme/solvers\", \"value\": [{\"dns01\": $(cloud_dns_solver)}]}]"
}

hosts() { echo "[\"$DOMAIN\", \"gateway.$DOMAIN\"]"; }

public_certificate() {
  cat <<TEXT
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: portcullis-public-tls, namespace: $NAMESPACE}
spec:
  secretName: portcullis-public-tls
  dnsNames: $(hosts)
  issuerRef: {group: cert-manager.io, kind: ClusterIssuer, name: letsencrypt}
  privateKey: {algorithm: ECDSA, size: 256, rotationPolicy: Always}
TEXT
}

issue_certificates() {
  render_manifests
  put_certificate
  HINT="KUBECONFIG=$KUBECONFIG kubectl describe certificates,challenges --all-namespaces"
  [ -z "${DOMAIN:-}" ] || HINT="$HINT; $(cloud_name_hint)"
  [ "$DRY_RUN" = true ] ||
    values of-kinds Namespace Issuer ClusterIssuer Certificate <"$MANIFESTS" >"$WORK/certificates.yaml"
  run 300 kubectl apply --server-side --force-conflicts --field-manager=deploy.sh -f "$WORK/certificates.yaml"
  # The backend, Kong and the stores mount them. They are signed in the cluster, so they are there at once; the public
  # one takes as long as DNS does.
  local namespace name certificates="<its-namespace> <each>"
  [ "$DRY_RUN" = true ] || certificates="$(values certificates <"$WORK/certificates.yaml")"
  while read -r namespace name <&4; do
    [ -z "$name" ] ||
      run 630 kubectl wait --for=condition=Ready "certificate/$name" "--namespace=$namespace" --timeout=10m
  done 4<<<"$certificates"
}

apply_manifests() {
  HINT="KUBECONFIG=$KUBECONFIG kubectl get events --all-namespaces"
  deliver_credentials
  run 600 kubectl apply --server-side --force-conflicts --field-manager=deploy.sh -f "$MANIFESTS"
}

wait_for_rollout() {
  HINT="KUBECONFIG=$KUBECONFIG kubectl describe pods --namespace $NAMESPACE; ./deploy.sh rollback goes back"
  run 1260 kubectl rollout status deployment/portcullis-backend "--namespace=$NAMESPACE" --timeout=20m
  run 1260 kubectl rollout status deployment/kong-kong "--namespace=$KONG_NAMESPACE" --timeout=20m
  [ "$DRY_RUN" = true ] || record_release
}

# What rollback compares: when, tag, and the digest of each image.
record_release() {
  local release="$IMAGE_TAG ${DIGEST[portcullis-backend]} ${DIGEST[portcullis-kong]}"
  [ "$(tail -n 1 "$STATE/releases" 2>/dev/null | cut -d' ' -f2-)" = "$release" ] ||
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $release" >>"$STATE/releases"
}
