# What deploy.sh reads (`terraform output -json`). None is a secret.

output "project_id" {
  description = "The project."
  value       = var.project_id
}

output "region" {
  description = "The region."
  value       = var.region
}

output "cluster_name" {
  description = "The cluster's name."
  value       = google_container_cluster.this.name
}

output "cluster_location" {
  description = "Where the cluster is: for gcloud container clusters get-credentials --location."
  value       = google_container_cluster.this.location
}

output "cluster_mode" {
  description = "autopilot or standard."
  value       = var.cluster_mode
}

output "cluster_dns_endpoint" {
  description = "The control plane's name, for whoever has container.clusters.connect: get-credentials --dns-endpoint. Empty: reachable by address only."
  value       = var.dns_endpoint ? google_container_cluster.this.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint : ""
}

output "artifact_registry" {
  description = "Where images are pushed: REGION-docker.pkg.dev/PROJECT/portcullis."
  value       = local.registry
}

output "redis_host" {
  description = "Private address of the shared store."
  value       = try(local.redis_primary.ip_address, "")
}

output "redis_port" {
  description = "Port of the shared store. TLS only."
  value       = try(local.redis_primary.port, 6379)
}

output "redis_instance" {
  description = "Full name of the shared store. Its token: GET https://memorystore.googleapis.com/v1/NAME/tokenAuthUsers/default/authTokens."
  value       = google_memorystore_instance.this.name
}

output "redis_auth_secret" {
  description = "Secret that holds the store's token. deploy.sh adds its version."
  value       = google_secret_manager_secret.this["redis-auth"].secret_id
}

output "redis_ca_secret" {
  description = "Secret that holds the certificates which the store's own is checked against (PEM)."
  value       = google_secret_manager_secret.this["redis-ca"].secret_id
}

output "sql_connection_name" {
  description = "The database, as Cloud SQL's connectors name it. Empty without one."
  value       = try(google_sql_database_instance.this[0].connection_name, "")
}

output "sql_private_address" {
  description = "Private address of the database. Empty without one."
  value       = try(google_sql_database_instance.this[0].private_ip_address, "")
}

output "sql_user" {
  description = "The backend's user in the database: it signs on with its identity, not with a password."
  value       = try(google_sql_user.backend[0].name, "")
}

output "backend_service_account" {
  description = "The backend's service account: for the annotation iam.gke.io/gcp-service-account."
  value       = google_service_account.backend.email
}

output "build_service_account" {
  description = "What Cloud Build builds as, where there is no Docker."
  value       = google_service_account.builds.email
}

output "cert_manager_service_account" {
  description = "cert-manager's service account for proofs by DNS. Empty without a domain."
  value       = try(google_service_account.cert_manager[0].email, "")
}

output "gateway_address" {
  description = "The gateway's public address: Kong's Service asks for it."
  value       = google_compute_address.gateway.address
}

output "gateway_address_name" {
  description = "Name of the gateway's public address."
  value       = google_compute_address.gateway.name
}

output "egress_addresses" {
  description = "Where requests to providers come from."
  value       = google_compute_address.nat[*].address
}

output "domain" {
  description = "The gateway's domain. Empty without one."
  value       = var.domain
}

output "name_servers" {
  description = "What the domain's parent has to point to, where a zone was made."
  value       = try(google_dns_managed_zone.this[0].name_servers, [])
}

output "secret_ids" {
  description = "Secrets in Secret Manager by name: llm-api-keys, tag-keys, redis-auth, redis-ca, and TENANT-jwt."
  value       = { for name, secret in google_secret_manager_secret.this : name => secret.secret_id }
}

output "external_secrets_service_account" {
  description = "external-secrets' service account. Empty without external_secrets."
  value       = try(google_service_account.external_secrets[0].email, "")
}

output "ci_service_account" {
  description = "What a workflow signs on as. Empty without github_repository."
  value       = try(google_service_account.ci[0].email, "")
}

output "ci_identity_provider" {
  description = "What a workflow signs on through. Empty without github_repository."
  value       = try(google_iam_workload_identity_pool_provider.github[0].name, "")
}
