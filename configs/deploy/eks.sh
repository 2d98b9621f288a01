#!/usr/bin/env bash
# AWS: what the steps need of it. configs/deploy/gke.sh says the same of Google Cloud.
# shellcheck disable=SC2034,SC2153  # the parts share their variables

cloud_settings() {
  need AWS_ACCOUNT_ID "the number of the AWS account to deploy to, which has to be the one you are signed on to"
  [[ "$AWS_ACCOUNT_ID" =~ ^[0-9]{12}$ ]] || die "AWS_ACCOUNT_ID is '$AWS_ACCOUNT_ID'; expected 12 digits"
  REGION="${REGION:-us-east-1}"
  PROJECT="$AWS_ACCOUNT_ID"
  TERRAFORM="$ROOT/terraform/aws"
  OVERLAY="${OVERLAY:-eks}"
  BUCKET="${TF_STATE_BUCKET:-portcullis-terraform-$AWS_ACCOUNT_ID}"
  USUAL_MODE=auto
  BACKEND=("bucket=$BUCKET" "key=portcullis" "region=$REGION" "encrypt=true" "use_lockfile=true")
  AGAIN="AWS_ACCOUNT_ID=$AWS_ACCOUNT_ID ./deploy.sh $COMMAND$([ "$COMMAND" = eks ] || echo " eks")"
  CLUSTER_SETTINGS=("AWS_REGION=$REGION")
  # No pager, and no region but this one.
  export AWS_PAGER="" AWS_REGION="$REGION"
}

cloud_tools() { echo aws; }

cloud_outputs() { echo cluster_name registry redis_host redis_port redis_auth_secret backend_role_arn; }

cloud_check_access() {
  local account
  HINT="aws configure sso, aws sso login, or the variables AWS_PROFILE or AWS_ACCESS_KEY_ID"
  account="$(query 60 "$AWS_ACCOUNT_ID" aws sts get-caller-identity --query Account --output text)"
  [ "$account" = "$AWS_ACCOUNT_ID" ] || die "you are signed on to account $account, not to $AWS_ACCOUNT_ID"
  HINT="the right to make roles, networks, clusters: AdministratorAccess, or a role of your own with as much"
  query 60 "" aws ec2 describe-vpcs --max-items 1 --output text >/dev/null
  query 60 "" aws eks list-clusters --max-items 1 --output text >/dev/null
  query 60 "" aws iam list-roles --max-items 1 --output text >/dev/null
  done_now "may deploy to $AWS_ACCOUNT_ID, $REGION"
}

cloud_make_state() {
  if ! probe 60 aws s3api head-bucket "--bucket=$BUCKET" "--expected-bucket-owner=$AWS_ACCOUNT_ID"; then
    local place=()
    [ "$REGION" = us-east-1 ] || place=("--create-bucket-configuration=LocationConstraint=$REGION")
    run 120 aws s3api create-bucket "--bucket=$BUCKET" "${place[@]}"
  fi
  # A state that was overwritten can be brought back.
  run 60 aws s3api put-bucket-versioning "--bucket=$BUCKET" --versioning-configuration=Status=Enabled
  run 60 aws s3api put-public-access-block "--bucket=$BUCKET" --public-access-block-configuration \
    BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
}

cloud_variables() { :; }

cloud_registry() { echo "${OUT[registry]}"; }

cloud_registry_login() {
  [ "$BUILDER" = docker ] || die "images for AWS are built by Docker, and there is none that runs here"
  query 60 "<a token>" aws ecr get-login-password |
    feed 60 docker login --username AWS --password-stdin "$REGISTRY"
}

cloud_digest() {
  local name="${1##*/}"
  attempt 60 aws ecr describe-images "--repository-name=${name%%:*}" "--image-ids=imageTag=${name##*:}" \
    --query "imageDetails[0].imageDigest" --output text
}

cloud_build() { die "there is no builder on AWS; set BUILDER=docker"; }

cloud_get_credentials() {
  run 120 aws eks update-kubeconfig "--name=${OUT[cluster_name]}" "--kubeconfig=$KUBECONFIG"
}

# cloud_secret_id NAME: as Terraform made it.
cloud_secret_id() {
  if [ "$DRY_RUN" = true ]; then echo "<terraform output secret_ids.$1>"; else echo "${OUT[secret_ids.$1]:-}"; fi
}

# The id of its value, or nothing. An error is not nothing: what is kept must not be overwritten then.
cloud_secret_version() {
  local version
  version="$(query 60 "" aws secretsmanager list-secret-version-ids "--secret-id=$1" \
    --query "Versions[?contains(VersionStages, 'AWSCURRENT')].VersionId | [0]" --output text)"
  [ "$version" = None ] || echo "$version"
}

cloud_read_secret() {
  query 60 "" aws secretsmanager get-secret-value "--secret-id=$1" --query SecretString --output text
}

# cloud_write_secret ID: its value comes by standard input.
cloud_write_secret() {
  feed 60 aws secretsmanager put-secret-value "--secret-id=$1" --secret-string=file:///dev/stdin
}

# Terraform draws the store's token, and keeps it where the other secrets are.
cloud_keep_redis_password() {
  local version
  version="$(cloud_secret_version "${OUT[redis_auth_secret]}")"
  SECRET_VERSIONS="$SECRET_VERSIONS redis:$version"
}

cloud_cert_manager_options() {
  [ -z "${OUT[cert_manager_role_arn]:-}" ] ||
    echo "--set=serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn=${OUT[cert_manager_role_arn]}"
}

cloud_dns_solver() { echo "{\"route53\": {\"region\": \"$REGION\"}}"; }

# Auto Mode has a controller of its own for load balancers.
cloud_kong_values() {
  echo "proxy:"
  echo "  annotations:"
  if [ "${CLUSTER_MODE:-auto}" = auto ]; then
    echo "    service.beta.kubernetes.io/aws-load-balancer-scheme: internet-facing"
    echo "    service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: ip"
    echo "  loadBalancerClass: eks.amazonaws.com/nlb"
  else
    echo "    service.beta.kubernetes.io/aws-load-balancer-type: nlb"
  fi
}

cloud_patches() {
  cat <<TEXT
  - target: {kind: ServiceAccount, name: portcullis-backend}
    patch: |-
      apiVersion: v1
      kind: ServiceAccount
      metadata:
        name: portcullis-backend
        annotations: {eks.amazonaws.com/role-arn: "${OUT[backend_role_arn]}"}
TEXT
}

# The load balancer's name, once Kong's Service has one.
cloud_address() {
  query 60 "<the load balancer>" kubectl get service kong-kong-proxy "--namespace=$KONG_NAMESPACE" --ignore-not-found \
    --output="jsonpath={.status.loadBalancer.ingress[0].hostname}"
}

# Terraform learns the load balancer's name only when it is there.
cloud_name_hint() {
  echo "the parent zone of $DOMAIN has to name the servers ${OUT[name_servers]:-that Terraform prints};" \
    "once there is a load balancer, run it again with TF_VAR_gateway_hostname=$(cloud_address), so that the name leads there"
}

cloud_dashboards() {
  say "  cluster:  https://$REGION.console.aws.amazon.com/eks/home?region=$REGION#/clusters/${OUT[cluster_name]}"
  say "  logs:     https://$REGION.console.aws.amazon.com/cloudwatch/home?region=$REGION#logsV2:log-groups"
}
