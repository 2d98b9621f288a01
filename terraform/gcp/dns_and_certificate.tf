# With a domain only. The gateway answers at DOMAIN and gateway.DOMAIN; api, console and admin are the console's.
locals {
  zone = var.domain == "" ? "" : var.dns_zone == "" ? google_dns_managed_zone.this[0].name : var.dns_zone

  hosts = var.domain == "" ? [] : concat(
    [var.domain],
    [for name in ["gateway", "api", "console", "admin"] : "${name}.${var.domain}"],
  )
}

resource "google_dns_managed_zone" "this" {
  count = var.domain != "" && var.dns_zone == "" ? 1 : 0

  name          = replace(var.domain, ".", "-")
  dns_name      = "${var.domain}."
  description   = "Portcullis"
  force_destroy = !var.deletion_protection

  dnssec_config {
    state         = "on"
    non_existence = "nsec3"

    default_key_specs {
      key_type   = "keySigning"
      algorithm  = "ecdsap256sha256"
      key_length = 256
    }

    default_key_specs {
      key_type   = "zoneSigning"
      algorithm  = "ecdsap256sha256"
      key_length = 256
    }
  }

  cloud_logging_config {
    enable_logging = true
  }

  depends_on = [google_project_service.this]
}

resource "google_dns_record_set" "gateway" {
  for_each = toset(local.hosts)

  managed_zone = local.zone
  name         = "${each.value}."
  type         = "A"
  ttl          = 300
  rrdatas      = [google_compute_address.gateway.address]
}

# Who may make certificates for it: cert-manager's Let's Encrypt, and Google.
resource "google_dns_record_set" "caa" {
  count = var.domain == "" ? 0 : 1

  managed_zone = local.zone
  name         = "${var.domain}."
  type         = "CAA"
  ttl          = 3600
  rrdatas      = ["0 issue \"letsencrypt.org\"", "0 issue \"pki.goog\""]
}

# --- A certificate of Google's, for a Google load balancer in front of Kong.
resource "google_certificate_manager_dns_authorization" "this" {
  count = var.managed_certificate ? 1 : 0

  name        = var.cluster_name
  description = "Proves that ${var.domain} is ours"
  domain      = var.domain

  depends_on = [google_project_service.this]
}

resource "google_dns_record_set" "authorization" {
  count = var.managed_certificate ? 1 : 0

  managed_zone = local.zone
  name         = google_certificate_manager_dns_authorization.this[0].dns_resource_record[0].name
  type         = google_certificate_manager_dns_authorization.this[0].dns_resource_record[0].type
  ttl          = 300
  rrdatas      = [google_certificate_manager_dns_authorization.this[0].dns_resource_record[0].data]
}

resource "google_certificate_manager_certificate" "this" {
  count = var.managed_certificate ? 1 : 0

  name        = var.cluster_name
  description = "${var.domain} and what is under it"

  managed {
    domains            = [var.domain, "*.${var.domain}"]
    dns_authorizations = [google_certificate_manager_dns_authorization.this[0].id]
  }
}
