# Our images. What is deployed is a digest; a tag only helps to find it.
resource "google_artifact_registry_repository" "this" {
  location      = var.region
  repository_id = "portcullis"
  description   = "Portcullis' images"
  format        = "DOCKER"
  kms_key_name  = one(local.kms_keys)

  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"

    most_recent_versions {
      keep_count = 20
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"

    condition {
      older_than = "7776000s"
    }
  }

  depends_on = [google_project_service.this]
}
