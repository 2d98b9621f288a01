# What the module makes of its variables. Nothing is asked of a cluster; the provider's schema and validators are real.

mock_provider "kubernetes" {}

variables {
  auth_secret = "0123456789abcdef0123456789abcdef"
  domain      = "ai.example.com"

  # An ephemeral variable of a root module that is not set for the plan may not have its default in the apply.
  previous_auth_secret = ""
  provider_keys        = {}
  redis_url            = ""
}

run "by_default" {
  assert {
    condition     = kubernetes_namespace_v1.this[0].metadata[0].name == "portcullis" && kubernetes_namespace_v1.this[0].metadata[0].labels["pod-security.kubernetes.io/enforce"] == "restricted"
    error_message = "a namespace in which only what is restricted runs"
  }

  assert {
    condition     = kubernetes_deployment_v1.this[0].spec[0].replicas == "1" && kubernetes_deployment_v1.this[0].spec[0].template[0].spec[0].container[0].image == "portcullis-backend:0.1.0"
    error_message = "one replica of an exact version"
  }

  assert {
    condition     = kubernetes_persistent_volume_claim_v1.this[0].spec[0].resources[0].requests["storage"] == "10Gi"
    error_message = "a volume of 10Gi"
  }

  assert {
    condition     = kubernetes_persistent_volume_claim_v1.this[0].spec[0].access_modes == toset(["ReadWriteOnce"]) && length(kubernetes_deployment_v1.this[0].spec[0].template[0].spec[0].affinity[0].pod_affinity) == 1
    error_message = "a volume for one node holds the replicas together"
  }

  assert {
    condition     = keys(kubernetes_ingress_v1.this) == ["gateway"] && kubernetes_ingress_v1.this["gateway"].spec[0].ingress_class_name == "nginx"
    error_message = "one way in: the gateway's, by nginx; the console's are off"
  }

  assert {
    condition     = kubernetes_ingress_v1.this["gateway"].spec[0].rule[0].host == "gateway.ai.example.com" && kubernetes_ingress_v1.this["gateway"].spec[0].tls[0].secret_name == "portcullis-gateway-tls"
    error_message = "the gateway's name derives from the domain, with TLS"
  }

  assert {
    condition     = kubernetes_ingress_v1.this["gateway"].metadata[0].annotations["cert-manager.io/cluster-issuer"] == "letsencrypt"
    error_message = "cert-manager makes the certificate"
  }

  assert {
    condition     = kubernetes_ingress_v1.this["gateway"].spec[0].rule[0].http[0].path[0].backend[0].service[0].name == "portcullis-kong" && kubernetes_service_v1.kong[0].spec[0].external_name == "kong-kong-proxy.kong.svc.cluster.local"
    error_message = "nothing goes round Kong"
  }

  assert {
    condition     = output.gateway_url == "https://gateway.ai.example.com" && output.secrets == tolist(["portcullis-tag-keys", "llm-api-keys", "portcullis-redis"])
    error_message = "where requests go, and which secrets there are"
  }
}

run "secrets_are_written_and_not_kept" {
  variables {
    provider_keys    = { OPENAI_API_KEY = "a key" }
    secrets_revision = 3
  }

  assert {
    condition = alltrue([
      for secret in concat(values(kubernetes_secret_v1.tag_keys), kubernetes_secret_v1.provider_keys, kubernetes_secret_v1.redis) :
      secret.data_wo == null && secret.data_wo_revision == 3
    ])
    error_message = "no secret is in the state, and the revision is what writes them again"
  }

  assert {
    condition     = kubernetes_deployment_v1.this[0].spec[0].template[0].metadata[0].annotations["portcullis.dev/secrets-revision"] == "3"
    error_message = "pods start again with the new ones"
  }

  assert {
    condition     = keys(kubernetes_secret_v1.tag_keys) == ["kong", "portcullis"]
    error_message = "Kong and the backend share the tag's key"
  }
}

run "nothing_when_it_is_not_enabled" {
  variables {
    enabled = false
  }

  assert {
    condition = (
      length(kubernetes_namespace_v1.this) + length(kubernetes_namespace_v1.kong) + length(kubernetes_deployment_v1.this) +
      length(kubernetes_secret_v1.tag_keys) + length(kubernetes_secret_v1.redis) + length(kubernetes_secret_v1.provider_keys) +
      length(kubernetes_config_map_v1.gateway) + length(kubernetes_config_map_v1.settings) +
      length(kubernetes_persistent_volume_claim_v1.this) + length(kubernetes_service_v1.this) + length(kubernetes_service_v1.management) +
      length(kubernetes_service_v1.kong) + length(kubernetes_ingress_v1.this) + length(kubernetes_network_policy_v1.deny) +
      length(kubernetes_network_policy_v1.backend) + length(kubernetes_pod_disruption_budget_v1.this) + length(kubernetes_service_account_v1.this)
    ) == 0
    error_message = "enabled = false makes nothing"
  }
}

run "several_replicas_are_spread_without_a_volume" {
  variables {
    replicas        = 3
    redis_url       = "rediss://:password@redis.example.com:6379/0"
    storage_enabled = false
  }

  assert {
    condition     = kubernetes_deployment_v1.this[0].spec[0].replicas == "3" && length(kubernetes_persistent_volume_claim_v1.this) == 0
    error_message = "three, and no volume"
  }

  assert {
    condition = (
      length(kubernetes_deployment_v1.this[0].spec[0].template[0].spec[0].affinity[0].pod_affinity) == 0 &&
      length(kubernetes_deployment_v1.this[0].spec[0].template[0].spec[0].affinity[0].pod_anti_affinity) == 1 &&
      kubernetes_deployment_v1.this[0].spec[0].template[0].spec[0].topology_spread_constraint[0].topology_key == "topology.kubernetes.io/zone"
    )
    error_message = "over nodes and zones"
  }
}

run "console_is_behind_the_sign_on" {
  variables {
    console_enabled   = true
    oauth2_proxy_host = "oauth2.example.com"
    admin_emails      = "ann@example.com, bob@example.com"
  }

  assert {
    condition     = keys(kubernetes_ingress_v1.this) == ["admin", "api", "console", "gateway"]
    error_message = "four ingresses"
  }

  assert {
    condition = alltrue([
      for name in ["api", "console", "admin"] :
      startswith(kubernetes_ingress_v1.this[name].metadata[0].annotations["nginx.ingress.kubernetes.io/auth-url"], "https://oauth2.example.com/oauth2/auth")
    ])
    error_message = "three of them ask oauth2-proxy"
  }

  assert {
    condition     = kubernetes_ingress_v1.this["admin"].metadata[0].annotations["nginx.ingress.kubernetes.io/auth-url"] == "https://oauth2.example.com/oauth2/auth?allowed_emails=ann@example.com,bob@example.com"
    error_message = "admin is for the named ones only"
  }

  assert {
    condition     = !contains(keys(kubernetes_ingress_v1.this["gateway"].metadata[0].annotations), "nginx.ingress.kubernetes.io/auth-url")
    error_message = "the gateway goes by token"
  }
}

run "nobody_is_admin_when_nobody_is_named" {
  variables {
    console_enabled   = true
    oauth2_proxy_host = "oauth2.example.com"
  }

  assert {
    condition     = !contains(keys(kubernetes_ingress_v1.this), "admin")
    error_message = "no names, no admin"
  }
}

run "without_tls" {
  variables {
    tls_enabled = false
  }

  assert {
    condition     = length(kubernetes_ingress_v1.this["gateway"].spec[0].tls) == 0 && !contains(keys(kubernetes_ingress_v1.this["gateway"].metadata[0].annotations), "cert-manager.io/cluster-issuer")
    error_message = "no TLS, no certificate"
  }
}

run "kong_as_the_ingress_has_its_own_routes" {
  variables {
    ingress_class = "kong"
  }

  assert {
    condition     = length(kubernetes_ingress_v1.this) == 0 && length(kubernetes_service_v1.kong) == 0
    error_message = "configs/kong has the gateway's routes"
  }
}

run "a_digest_is_taken_as_one" {
  variables {
    image     = "us-central1-docker.pkg.dev/some/portcullis/portcullis-backend"
    image_tag = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }

  assert {
    condition     = kubernetes_deployment_v1.this[0].spec[0].template[0].spec[0].container[0].image == "us-central1-docker.pkg.dev/some/portcullis/portcullis-backend@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    error_message = "by digest"
  }
}

run "backend_serves_tls_with_a_certificate" {
  variables {
    backend_tls_secret = "portcullis-backend-tls"
  }

  assert {
    condition     = kubernetes_config_map_v1.settings[0].data["PORTCULLIS_TLS_CERT_FILE"] == "/run/portcullis/tls/tls.crt" && contains([for volume in kubernetes_deployment_v1.this[0].spec[0].template[0].spec[0].volume : volume.name], "tls")
    error_message = "the certificate is mounted and named"
  }
}
