output "namespace" {
  description = "The gateway's namespace."
  value       = local.namespace
}

output "service" {
  description = "The backend's Service: what Kong asks."
  value       = local.name
}

output "hosts" {
  description = "Host names by ingress."
  value       = { for name, ingress in kubernetes_ingress_v1.this : name => "${name}.${var.domain}" }
}

output "gateway_url" {
  description = "Where requests go. Empty without a domain."
  value       = var.domain == "" ? "" : "${var.tls_enabled ? "https" : "http"}://gateway.${var.domain}"
}

output "secrets" {
  description = "Names of the Secrets made here."
  value       = distinct(concat([for secret in kubernetes_secret_v1.tag_keys : secret.metadata[0].name], kubernetes_secret_v1.provider_keys[*].metadata[0].name, kubernetes_secret_v1.redis[*].metadata[0].name))
}
