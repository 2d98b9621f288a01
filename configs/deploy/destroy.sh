#!/usr/bin/env bash
# Taking everything away again. It asks for the project's id, whatever --yes says.
# shellcheck disable=SC2034,SC2153  # the parts share their variables

confirm_destruction() {
  say "This takes away everything that ./deploy.sh $CLOUD made in $PROJECT: cluster, network, images, stores, secrets."
  # Half of it would be the worst: nobody could call the gateway, and the rest would go on costing.
  [ "$UNPROTECT" = true ] || die "cluster, stores and secrets are protected, so nothing was begun; to lift that and go on: ./deploy.sh destroy --unprotect"
  confirm "Type the project's id to go on:" "$PROJECT" always
}

# What Kubernetes made in the cloud (load balancer, disks) is not in Terraform's state: it would keep the network, and cost.
empty_cluster() {
  HINT="what keeps a namespace: kubectl describe namespace $NAMESPACE"
  if ! cloud_get_credentials; then
    say "  the cluster cannot be reached; when it is gone already, that is as it should be"
    return
  fi
  run 600 helm uninstall kong --namespace "$KONG_NAMESPACE" --ignore-not-found --wait --timeout 8m
  # While an API that it serves does not answer, no namespace ends.
  run 300 helm uninstall prometheus-adapter --namespace monitoring --ignore-not-found --wait --timeout 4m
  # A stream that still runs has its grace.
  run 960 kubectl delete namespace "$KONG_NAMESPACE" "$NAMESPACE" monitoring --ignore-not-found --timeout=15m
}

plan_destruction() {
  HINT="what Terraform says above names the resource"
  write_variables
  terraform_here 1800 apply -input=false -auto-approve -lock-timeout=120s "-var-file=$STATE/deploy.tfvars" \
    -var=deletion_protection=false
  terraform_here 900 plan -destroy -input=false -lock-timeout=120s "-var-file=$STATE/deploy.tfvars" \
    -var=deletion_protection=false "-out=$STATE/plan"
}

destroy_resources() {
  HINT="what Terraform says above names the resource; a second run is often enough"
  terraform_here 5400 apply -input=false -lock-timeout=120s "$STATE/plan"
  rm -f "$STATE/plan"
  say "The bucket of Terraform's state is left, and $STATE. Delete them when nothing is to be brought back."
}
