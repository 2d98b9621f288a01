# What may run: images of our registry, of Google's own and of the few others that the manifests use.
resource "google_binary_authorization_policy" "this" {
  count = var.binary_authorization ? 1 : 0

  description                   = "Portcullis: only images that are known"
  global_policy_evaluation_mode = "ENABLE"

  dynamic "admission_whitelist_patterns" {
    for_each = concat(["${local.registry}/*"], var.binary_authorization_images)

    content {
      name_pattern = admission_whitelist_patterns.value
    }
  }

  default_admission_rule {
    evaluation_mode  = "ALWAYS_DENY"
    enforcement_mode = "ENFORCED_BLOCK_AND_AUDIT_LOG"
  }

  depends_on = [google_project_service.this]
}

locals {
  registry = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.this.repository_id}"
}
