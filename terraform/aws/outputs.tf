# None is a secret.

output "account_id" {
  description = "The account."
  value       = local.account
}

output "region" {
  description = "The region."
  value       = var.region
}

output "cluster_name" {
  description = "The cluster's name: for aws eks update-kubeconfig."
  value       = aws_eks_cluster.this.name
}

output "cluster_mode" {
  description = "auto or standard."
  value       = var.cluster_mode
}

output "registry" {
  description = "Where images are pushed: ACCOUNT.dkr.ecr.REGION.amazonaws.com."
  value       = "${local.account}.dkr.ecr.${var.region}.amazonaws.com"
}

output "repositories" {
  description = "Addresses of the images by name."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}

output "backend_role_arn" {
  description = "The backend's role: for the annotation eks.amazonaws.com/role-arn of its account."
  value       = aws_iam_role.backend.arn
}

output "cert_manager_role_arn" {
  description = "cert-manager's role for proofs by DNS. Empty without a domain."
  value       = try(aws_iam_role.cert_manager[0].arn, "")
}

output "autoscaler_role_arn" {
  description = "The cluster autoscaler's role. Empty in Auto Mode, which needs none."
  value       = try(aws_iam_role.autoscaler[0].arn, "")
}

output "redis_host" {
  description = "The shared store's address. TLS, signed by a public authority."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "redis_port" {
  description = "The shared store's port."
  value       = aws_elasticache_replication_group.this.port
}

output "redis_auth_secret" {
  description = "Secret that holds the store's token."
  value       = aws_secretsmanager_secret.this["redis-auth"].name
}

output "sql_address" {
  description = "The database's address and port. Empty without one."
  value       = try(aws_db_instance.this[0].endpoint, "")
}

output "sql_master_secret" {
  description = "Secret in which AWS keeps the master's password. Empty without a database."
  value       = try(aws_db_instance.this[0].master_user_secret[0].secret_arn, "")
}

output "egress_addresses" {
  description = "Where requests to providers come from."
  value       = [for address in aws_eip.nat : address.public_ip]
}

output "domain" {
  description = "The gateway's domain. Empty without one."
  value       = var.domain
}

output "name_servers" {
  description = "What the domain's parent has to point to."
  value       = try(aws_route53_zone.this[0].name_servers, [])
}

output "certificate_arn" {
  description = "ACM's certificate for the domain and what is under it. Empty without a domain."
  value       = try(aws_acm_certificate.this[0].arn, "")
}

output "secret_ids" {
  description = "Secrets in Secrets Manager by name: llm-api-keys, tag-keys, redis-auth, and TENANT-jwt."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.name }
}

output "external_secrets_role_arn" {
  description = "external-secrets' role. Empty without external_secrets."
  value       = try(aws_iam_role.external_secrets[0].arn, "")
}

output "ci_role_arn" {
  description = "What a workflow signs on as. Empty without github_repository."
  value       = try(aws_iam_role.ci[0].arn, "")
}
